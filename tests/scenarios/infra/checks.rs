//! What must hold of the deployment. Each check returns findings in words; none means that it
//! holds.

use std::collections::{BTreeMap, BTreeSet};

use super::bicep::File;
use super::expectations::{FORBIDDEN, FUNCTIONS, LEASES, REQUIRED, ROLES, SECRET_SETTINGS};

/// All files of `infra/`, by their path in it.
pub type Sources = BTreeMap<String, String>;

/// Everything that is wrong.
pub fn findings(sources: &Sources) -> Vec<String> {
    let files: BTreeMap<&str, File> = sources
        .iter()
        .filter(|(path, _)| path.ends_with(".bicep"))
        .map(|(path, text)| (path.as_str(), File::read(path, text)))
        .collect();
    let mut found = Vec::new();
    for file in files.values() {
        names(file, &mut found);
        modules(file, &files, &mut found);
        secrets(file, &mut found);
    }
    settings(&files, &mut found);
    access(&files, &mut found);
    storage(&files, &mut found);
    vault(&files, &mut found);
    app(&files, &mut found);
    alerts(sources, &mut found);
    parameters(sources, &files, &mut found);
    workbook(sources, &mut found);
    found
}

fn names(file: &File, found: &mut Vec<String>) {
    let path = &file.path;
    found.extend(file.broken.iter().map(|line| format!("{path}:{line}: not Bicep")));
    found.extend(
        file.undeclared
            .iter()
            .map(|(name, line)| format!("{path}:{line}: {name} is used and not declared")),
    );
    found.extend(file.unused.iter().map(|name| format!("{path}: {name} is declared and not used")));
}

fn modules(file: &File, files: &BTreeMap<&str, File>, found: &mut Vec<String>) {
    let path = &file.path;
    for (name, module) in
        file.declarations.iter().filter(|(_, declaration)| declaration.kind == "module_declaration")
    {
        let Some(target) = files.get(module.what.as_str()) else {
            found.push(format!("{path}: module {name} is at {}, where there is none", module.what));
            continue;
        };
        for param in module.params.keys().filter(|param| !target.params.contains_key(*param)) {
            found.push(format!("{path}: module {name} is given {param}, which it does not take"));
        }
        for (param, _) in target
            .params
            .iter()
            .filter(|(param, it)| it.required && !module.params.contains_key(*param))
        {
            found.push(format!("{path}: module {name} is not given {param}"));
        }
    }
    for (module, output) in &file.outputs_taken {
        let target = file
            .declarations
            .get(module)
            .and_then(|declaration| files.get(declaration.what.as_str()));
        if target.is_some_and(|target| !target.outputs.contains(output)) {
            found.push(format!("{path}: {module} has no output {output}"));
        }
    }
}

/// A secret is a secure parameter without a default, goes from module to module and into the vault,
/// and nowhere else.
fn secrets(file: &File, found: &mut Vec<String>) {
    let path = &file.path;
    for (name, param) in &file.params {
        if name.ends_with("Secret") && !param.secure {
            found.push(format!("{path}: {name} is a secret and not @secure()"));
        }
        if param.secure && param.default.as_deref().is_some_and(|default| default != "''") {
            found.push(format!("{path}: {name} has a secret in clear for its default"));
        }
    }
    let secure = |value: &str| file.params.get(value).is_some_and(|param| param.secure);
    let mentions = |source: &str| {
        file.params
            .iter()
            .find(|(name, param)| param.secure && source.contains(name.as_str()))
            .map(|(name, _)| name.clone())
    };
    for (key, value) in &file.properties {
        let plain = key == "params" || value.starts_with('{') || value.starts_with('[');
        if let Some(name) = mentions(value).filter(|_| !plain)
            && !(secure(value) && (*key == name || key == "value" && path == "modules/vault.bicep"))
        {
            found.push(format!("{path}: the secret {name} flows into {key}"));
        }
        if SECRET_SETTINGS.contains(&key.as_str())
            && !value.starts_with("'@Microsoft.KeyVault(SecretUri=")
        {
            found.push(format!("{path}: {key} is not a reference to the vault"));
        }
    }
    let sources = file.declarations.values().map(|declaration| &declaration.source);
    for word in
        ["listKeys", "listAccountSas", "AccountKey=", "SharedAccessSignature", "listCredentials"]
    {
        found.extend(
            sources
                .clone()
                .filter(|source| source.contains(word))
                .map(|_| format!("{path}: {word} takes a secret of Azure's own")),
        );
    }
}

fn settings(files: &BTreeMap<&str, File>, found: &mut Vec<String>) {
    let Some(file) = files.get("modules/settings.bicep") else {
        return found.push("there are no settings".into());
    };
    let set: BTreeSet<&str> = file.properties.iter().map(|(key, _)| key.as_str()).collect();
    found.extend(
        REQUIRED
            .iter()
            .filter(|name| !set.contains(*name))
            .map(|name| format!("the setting {name} is missing")),
    );
    for file in files.values() {
        for (key, _) in &file.properties {
            let forbidden = FORBIDDEN
                .iter()
                .any(|name| key == name || name.ends_with('_') && key.starts_with(name));
            if forbidden {
                found.push(format!("{}: this plan does not take {key}", file.path));
            }
            // The program warns of names that it does not know; a deployment should not make it.
            if key.starts_with("CALRELAY_") && !REQUIRED.contains(&key.as_str()) {
                found.push(format!("{}: {key} is in no contract", file.path));
            }
        }
    }
}

fn access(files: &BTreeMap<&str, File>, found: &mut Vec<String>) {
    let Some(file) = files.get("modules/access.bicep") else {
        return found.push("no identity has a right".into());
    };
    let assignments = file
        .declarations
        .values()
        .filter(|it| it.what.starts_with("Microsoft.Authorization/roleAssignments@"));
    let given: BTreeSet<(String, String)> = assignments
        .map(|assignment| {
            let properties =
                assignment.source.split("roleDefinitionId:").nth(1).unwrap_or_default();
            let role = properties
                .split("roles.")
                .nth(1)
                .and_then(|rest| rest.split(')').next())
                .unwrap_or_default();
            let id = file
                .properties
                .iter()
                .find(|(key, _)| key == role)
                .map(|(_, id)| id.trim_matches('\'').to_owned())
                .unwrap_or_default();
            (
                id,
                assignment
                    .properties
                    .get("scope")
                    .cloned()
                    .unwrap_or_else(|| "the whole resource group".to_owned()),
            )
        })
        .collect();
    let wanted: BTreeSet<(String, String)> =
        ROLES.iter().map(|(_, id, scope)| ((*id).to_owned(), (*scope).to_owned())).collect();
    for (name, id, scope) in ROLES {
        if !given.contains(&(id.to_owned(), scope.to_owned())) {
            found.push(format!("the role {name} is missing on {scope}"));
        }
    }
    found.extend(
        given
            .difference(&wanted)
            .map(|(id, scope)| format!("the role {id} on {scope} is more than is needed")),
    );
    let elsewhere = files.values().filter(|file| file.path != "modules/access.bicep");
    let stray = elsewhere
        .filter(|file| file.declarations.values().any(|it| it.what.contains("/roleAssignments@")));
    found.extend(
        stray.map(|file| format!("{}: rights are given in modules/access.bicep", file.path)),
    );
}

/// Properties that a declaration must contain, word by word.
fn holds(
    files: &BTreeMap<&str, File>,
    path: &str,
    declaration: &str,
    wanted: &[&str],
    found: &mut Vec<String>,
) {
    let source = files.get(path).map_or("", |file| file.source_of(declaration));
    found.extend(
        wanted
            .iter()
            .filter(|words| !source.contains(*words))
            .map(|words| format!("{path}: {declaration} must say {words}")),
    );
}

fn storage(files: &BTreeMap<&str, File>, found: &mut Vec<String>) {
    let account = [
        "allowSharedKeyAccess: false",
        "allowBlobPublicAccess: false",
        "minimumTlsVersion: 'TLS1_2'",
        "supportsHttpsTrafficOnly: true",
    ];
    for path in ["modules/storage.bicep", "modules/package.bicep"] {
        holds(files, path, "account", &account, found);
    }
    let path = "modules/storage.bicep";
    holds(files, path, "queueNames", &["['sync-calendar', 'sync-calendar-poison']"], found);
    let tables: Vec<String> = store::Table::ALL
        .iter()
        .map(|table| table.name())
        .chain([LEASES])
        .map(|name| format!("'{name}'"))
        .collect();
    holds(files, path, "tableNames", &[&format!("[{}]", tables.join(", "))], found);
    // What the host finds made it need not make, and the app is given these and no others.
    holds(
        files,
        path,
        "hostContainerNames",
        &["= ['azure-webjobs-hosts', 'azure-webjobs-secrets']"],
        found,
    );
    holds(
        files,
        path,
        "hostContainers",
        &["for container in hostContainerNames", "publicAccess: 'None'"],
        found,
    );
    holds(files, path, "queueDiagnostics", &["scope: queueService"], found);
    holds(files, path, "tableDiagnostics", &["scope: tableService"], found);
    package(files, found);
}

/// The package is separate from what the app writes, and every access to it is logged. The rights
/// on it are checked in `access`, which gets these names from main.bicep.
fn package(files: &BTreeMap<&str, File>, found: &mut Vec<String>) {
    let path = "modules/package.bicep";
    holds(files, path, "package", &["name: 'package'", "publicAccess: 'None'"], found);
    let logged = ["StorageRead", "StorageWrite", "StorageDelete"]
        .map(|category| format!("{{ category: '{category}', enabled: true }}"));
    holds(files, path, "diagnostics", &["scope: blobs", &logged[0], &logged[1], &logged[2]], found);
    let access = [
        "hostContainers: storage.outputs.hostContainers",
        "packageStorageName: package.outputs.name",
        "packageContainerName: package.outputs.container",
    ];
    holds(files, "main.bicep", "access", &access, found);
    holds(
        files,
        "main.bicep",
        "app",
        &["packageContainerUrl: package.outputs.containerUrl"],
        found,
    );
    holds(
        files,
        "modules/access.bicep",
        "packageContainer",
        &["parent: packageBlobs", "name: packageContainerName"],
        found,
    );
    holds(files, "modules/access.bicep", "packageAccount", &["name: packageStorageName"], found);
    holds(
        files,
        "modules/access.bicep",
        "hostContainerItems",
        &["in hostContainers:", "name: container"],
        found,
    );
}

fn vault(files: &BTreeMap<&str, File>, found: &mut Vec<String>) {
    let path = "modules/vault.bicep";
    holds(
        files,
        path,
        "vault",
        &[
            "enableRbacAuthorization: true",
            "enablePurgeProtection: true",
            "softDeleteRetentionInDays: 90",
        ],
        found,
    );
    holds(
        files,
        path,
        "wrappingKey",
        &["kty: 'RSA'", "keyOps: ['wrapKey', 'unwrapKey']", "type: 'rotate'"],
        found,
    );
    holds(files, path, "diagnostics", &["scope: vault", "categoryGroup: 'audit'"], found);
}

fn app(files: &BTreeMap<&str, File>, found: &mut Vec<String>) {
    let path = "modules/app.bicep";
    holds(files, path, "plan", &["name: 'FC1'", "reserved: true"], found);
    let site = [
        "runtime: { name: 'custom', version: '1.0' }",
        "identity: { type: 'SystemAssigned' }",
        "authentication: { type: 'SystemAssignedIdentity' }",
        "httpsOnly: true",
        "minTlsVersion: '1.2'",
        "ipSecurityRestrictions: allowed",
        "ipSecurityRestrictionsDefaultAction: empty(networks) ? 'Allow' : 'Deny'",
        "alwaysReady: concat(readyForHttp, readyForSync)",
    ];
    holds(files, path, "site", &site, found);
    // A request has to come from a network that is allowed and to carry what only the proxy in
    // front knows.
    holds(
        files,
        path,
        "allowed",
        &["in networks:", "ipAddress: network", "headers: proxyHeaders"],
        found,
    );
    holds(
        files,
        path,
        "proxyHeaders",
        &["empty(proxySecret) ? {} : { 'x-azure-fdid': [proxySecret] }"],
        found,
    );
    holds(files, path, "networks", &["['0.0.0.0/0', '::/0'] : allowedNetworks"], found);
    holds(files, path, "ftp", &["allow: false"], found);
    holds(files, path, "scm", &["allow: false"], found);
    holds(files, path, "syncFunction", &[FUNCTIONS[0]], found);
    holds(files, "main.bicep", "settings", &["dependsOn: [access]"], found);
    let location = files
        .get("main.bicep")
        .and_then(|main| main.params.get("location"))
        .and_then(|param| param.default.as_deref());
    if location != Some("'northeurope'") {
        found.push("main.bicep: the default region is North Europe".into());
    }
}

/// Alerts and workbook speak of functions by their name.
fn alerts(sources: &Sources, found: &mut Vec<String>) {
    for path in ["modules/alerts.bicep", "modules/workbook.json"] {
        let text = sources.get(path).map_or("", String::as_str).replace("\\\"", "\"");
        let named: BTreeSet<&str> = text
            .split("OperationName == \"")
            .skip(1)
            .filter_map(|rest| rest.split('"').next())
            .collect();
        found.extend(
            named
                .iter()
                .filter(|name| !FUNCTIONS.contains(name))
                .map(|name| format!("{path}: there is no function {name}")),
        );
    }
    let text = sources.get("modules/alerts.bicep").map_or("", String::as_str);
    for id in ["poison", "failures", "lag", "silence", "vault", "watches"] {
        if !text.contains(&format!("id: '{id}'")) {
            found.push(format!("modules/alerts.bicep: nothing reports {id}"));
        }
    }
}

/// The example of parameters: lines, since the grammar does not know this kind of file.
fn parameters(sources: &Sources, files: &BTreeMap<&str, File>, found: &mut Vec<String>) {
    let text = sources.get("main.bicepparam").map_or("", String::as_str);
    if !text.contains("using './main.bicep'") {
        found.push("main.bicepparam: does not say what it is for".into());
    }
    for line in text.lines().filter_map(|line| line.strip_prefix("param ")) {
        let (name, value) = line.split_once(" = ").unwrap_or((line, ""));
        match files.get("main.bicep").and_then(|main| main.params.get(name)) {
            None => found.push(format!("main.bicepparam: there is no parameter {name}")),
            Some(param) if param.secure && !value.starts_with("readEnvironmentVariable(") => {
                found.push(format!("main.bicepparam: {name} is a secret in clear"));
            }
            Some(_) => {}
        }
    }
}

fn workbook(sources: &Sources, found: &mut Vec<String>) {
    let text = sources.get("modules/workbook.json").map_or("", String::as_str);
    match serde_json::from_str::<serde_json::Value>(text) {
        Err(error) => found.push(format!("modules/workbook.json: {error}")),
        Ok(workbook) => {
            let queries = workbook["items"]
                .as_array()
                .map(Vec::as_slice)
                .unwrap_or_default()
                .iter()
                .filter(|item| item["type"] == 3);
            for item in queries
                .filter(|item| item["content"]["crossComponentResources"][0] != "{workspace}")
            {
                found.push(format!("modules/workbook.json: {} reads no workspace", item["name"]));
            }
        }
    }
}
