//! The OpenAPI document: what the routes do not say of themselves.

use axum::body::Body;
use axum::response::Response;
use http::{HeaderValue, header};
use jobs::Services;
use utoipa::openapi::path::Operation;
use utoipa::openapi::schema::AdditionalProperties;
use utoipa::openapi::security::{Http, HttpAuthScheme, SecurityRequirement, SecurityScheme};
use utoipa::openapi::{
    Components, ContentBuilder, Header, InfoBuilder, ObjectBuilder, OpenApi, Ref, RefOr,
    ResponseBuilder, Schema, ServerBuilder, Type,
};
use utoipa::{PartialSchema, ToSchema};

use crate::problem::{FieldError, Problem};

/// The name of the security scheme.
const TOKEN: &str = "token";

/// The document of these routes, with its errors, headers and security.
pub fn complete(mut document: OpenApi) -> OpenApi {
    document.info = InfoBuilder::new()
        .title("Calrelay")
        .version(env!("CARGO_PKG_VERSION"))
        .description(Some("Keeps calendars in step."))
        .build();
    let components = document.components.get_or_insert_with(Components::new);
    components
        .security_schemes
        .insert(TOKEN.to_owned(), SecurityScheme::Http(Http::new(HttpAuthScheme::Bearer)).into());
    components.schemas.insert(Problem::name().into_owned(), Problem::schema());
    components.schemas.insert(FieldError::name().into_owned(), FieldError::schema());
    components.schemas.values_mut().for_each(close_variants);
    for (path, item) in &mut document.paths.paths {
        let operations = [
            ("get", &mut item.get),
            ("post", &mut item.post),
            ("patch", &mut item.patch),
            ("delete", &mut item.delete),
        ];
        for (method, operation) in operations {
            if let Some(operation) = operation {
                operation.operation_id = Some(operation_id(method, path));
                complete_operation(operation);
            }
        }
    }
    document
}

/// Says of each variant of a request's shape that it has no other members. The macro says so of
/// structs only.
fn close_variants(schema: &mut RefOr<Schema>) {
    let RefOr::T(Schema::OneOf(variants)) = schema else { return };
    for variant in &mut variants.items {
        if let RefOr::T(Schema::Object(variant)) = variant {
            variant.additional_properties = Some(Box::new(AdditionalProperties::FreeForm(false)));
        }
    }
}

/// The id of an operation: `get_pairs_id` for `GET /api/v1/pairs/{id}`.
fn operation_id(method: &str, path: &str) -> String {
    let path = path.trim_start_matches("/api/v1");
    let is_kept = |c: &char| c.is_ascii_alphanumeric() || *c == '/';
    let words: String = path.chars().filter(is_kept).collect();
    format!("{method}{}", words.replace('/', "_"))
}

/// Every operation can end with an error, and every answer has an id.
fn complete_operation(operation: &mut Operation) {
    let problem =
        ContentBuilder::new().schema(Some(Ref::from_schema_name(Problem::name()))).build();
    let errors = ResponseBuilder::new()
        .description("An error (RFC 9457)")
        .content("application/problem+json", problem)
        .build();
    operation.responses.responses.insert("default".to_owned(), RefOr::T(errors));
    for response in operation.responses.responses.values_mut() {
        if let RefOr::T(response) = response {
            let id = ObjectBuilder::new().schema_type(Type::String).build();
            let mut header = Header::new(id);
            header.description = Some("The id of the request, for the log".to_owned());
            response.headers.insert("X-Request-Id".to_owned(), header.into());
        }
    }
    operation.security.get_or_insert_with(|| vec![SecurityRequirement::new(TOKEN, [""; 0])]);
}

/// The document as an answer.
pub fn answer(document: &OpenApi, services: &Services) -> Response {
    let mut document = document.clone();
    let own = services.setup.public_url.clone();
    document.servers = own.map(|url| vec![ServerBuilder::new().url(url).build()]);
    let body = serde_json::to_string(&document).unwrap_or_default();
    let mut response = Response::new(Body::from(body));
    let json = HeaderValue::from_static("application/json");
    response.headers_mut().insert(header::CONTENT_TYPE, json);
    response
}
