//! Which requests reach the handler.

use super::*;
use crate::client::Client;
use crate::functions_host::app::Level;
use crate::functions_host::front::{Front, HOST_KEY, MASTER_KEY};
use crate::functions_host::route::Template;

fn route(text: &str, level: Level) -> Trigger {
    Trigger::Http {
        template: Template::parse(text).unwrap(),
        methods: vec!["POST".to_owned()],
        level,
    }
}

#[tokio::test]
async fn a_request_needs_a_route_and_the_key_of_its_level() {
    let functions =
        [("open", Level::Anonymous), ("keyed", Level::Function), ("master", Level::Admin)]
            .map(|(name, level)| (name, route(name, level)));
    let functions =
        functions.into_iter().map(|(name, trigger)| (name.to_owned(), function(name, trigger)));
    let functions = functions.chain([("work".to_owned(), queued("work"))]).collect();
    let handler = Handler::ready(DONE);
    let (core, _kills) = core(App { functions, ..app() }, &handler.listen(0).await);
    let front = Front::start(core).await.unwrap();
    let outside = Client::new(front.url());
    let mut welcome = 0;
    for (path, key, status) in [
        ("/open", "", 200),
        ("/OPEN/", "", 200),
        ("/open/more", "", 404),
        ("/keyed", "", 401),
        ("/keyed", "guess", 401),
        ("/keyed", HOST_KEY, 200),
        ("/keyed", MASTER_KEY, 200),
        ("/master", HOST_KEY, 401),
        ("/master", MASTER_KEY, 200),
        ("/work", MASTER_KEY, 404),
        ("/admin/functions/work", HOST_KEY, 401),
        ("/admin/functions/work", MASTER_KEY, 501),
    ] {
        let by_header =
            outside.send("POST", path, &[("x-functions-key", key)], "{}").await.unwrap();
        let by_query =
            outside.send("POST", &format!("{path}?code={key}"), &[], "{}").await.unwrap();
        assert_eq!((by_header.status, by_query.status), (status, status), "{path} with {key:?}");
        welcome += if status == 200 { 2 } else { 0 };
        assert_eq!(handler.asked(), welcome, "{path} with {key:?}");
    }
    let both = outside
        .send("POST", &format!("/keyed?code={HOST_KEY}"), &[("x-functions-key", "guess")], "{}")
        .await
        .unwrap();
    assert_eq!(both.status, 401, "the header counts where there are both");
    assert_eq!(
        outside.send("DELETE", "/open", &[], "{}").await.unwrap().status,
        404,
        "the method belongs to the route"
    );
}
