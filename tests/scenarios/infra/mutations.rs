//! Deployments that must be refused: a file, what is replaced in it, by what, and what has to be
//! found.

pub const ALL: &[(&str, &str, &str, &str)] = &[
    // names and modules
    ("main.bicep", "location: location", "location: locatoin", "locatoin is used and not declared"),
    ("main.bicep", "minLength(3)", "minLenght(3)", "minLenght is used and not declared"),
    (
        "modules/app.bicep",
        "properties: { reserved: true }",
        "properties: { reserved: true ",
        "not Bicep",
    ),
    (
        "modules/app.bicep",
        "param allowedNetworks string[]",
        "param spare int\nparam allowedNetworks string[]",
        "spare is declared and not used",
    ),
    (
        "main.bicep",
        "    keySize: keySize\n",
        "    keySize: keySize\n    bits: keySize\n",
        "given bits, which it does not take",
    ),
    ("main.bicep", "    sku: storageSku\n", "", "module storage is not given sku"),
    ("main.bicep", "'modules/alerts.bicep'", "'modules/alarms.bicep'", "where there is none"),
    ("main.bicep", "vault.outputs.keyUri", "vault.outputs.keyUrl", "vault has no output keyUrl"),
    // secrets
    (
        "modules/vault.bicep",
        "@secure()\nparam googleClientSecret",
        "param googleClientSecret",
        "is a secret and not @secure()",
    ),
    (
        "main.bicep",
        "param googleClientSecret string = ''",
        "param googleClientSecret string = 'hunter2'",
        "a secret in clear",
    ),
    (
        "main.bicep",
        "    googleClientId: googleClientId\n",
        "    googleClientId: googleClientSecret\n",
        "the secret googleClientSecret flows into googleClientId",
    ),
    (
        "modules/settings.bicep",
        "'@Microsoft.KeyVault(SecretUri=${vaultUri}secrets/${googleSecretName})'",
        "googleSecretName",
        "GOOGLE_CLIENT_SECRET is not a reference",
    ),
    (
        "modules/settings.bicep",
        "CALRELAY_STORE: 'azure'",
        "CALRELAY_STORE: site.listKeys().keys[0].value",
        "takes a secret of Azure's own",
    ),
    (
        "main.bicepparam",
        "readEnvironmentVariable('GOOGLE_CLIENT_SECRET', '')",
        "'hunter2'",
        "a secret in clear",
    ),
    (
        "main.bicepparam",
        "param pollSeconds",
        "param pollSecond",
        "there is no parameter pollSecond",
    ),
    // settings
    (
        "modules/settings.bicep",
        "CALRELAY_KEY_VAULT_KEY: keyUri",
        "",
        "the setting CALRELAY_KEY_VAULT_KEY is missing",
    ),
    (
        "modules/settings.bicep",
        "CALRELAY_POLL_SECONDS",
        "CALRELAY_POLL_SECOND",
        "CALRELAY_POLL_SECOND is in no contract",
    ),
    (
        "modules/settings.bicep",
        "RUST_LOG: logLevel",
        "RUST_LOG: logLevel\n    FUNCTIONS_WORKER_RUNTIME: 'custom'",
        "does not take FUNCTIONS_WORKER_RUNTIME",
    ),
    (
        "modules/settings.bicep",
        "RUST_LOG: logLevel",
        "RUST_LOG: logLevel\n    WEBSITE_RUN_FROM_PACKAGE: '1'",
        "does not take WEBSITE_RUN_FROM_PACKAGE",
    ),
    (
        "modules/settings.bicep",
        "AzureWebJobsStorage__accountName",
        "AzureWebJobsStorage",
        "does not take AzureWebJobsStorage",
    ),
    (
        "modules/app.bicep",
        "minTlsVersion: '1.2'",
        "minTlsVersion: '1.2'\n      alwaysOn: true",
        "does not take alwaysOn",
    ),
    // rights
    (
        "modules/access.bicep",
        "974c5e8b-45b9-4653-ba55-5f855dd0fb88",
        "974c5e8b-45b9-4653-ba55-5f855dd0fb89",
        "Storage Queue Data Contributor is missing",
    ),
    ("modules/access.bicep", "scope: wrappingKey", "scope: vault", "is more than is needed"),
    (
        "modules/access.bicep",
        "scope: hostContainerItems[i]",
        "scope: account",
        "b7e6dc6d-f1e8-4753-8033-0f276bb0955b on account is more",
    ),
    (
        "modules/access.bicep",
        "2a2b9908-6ea1-4ae2-8e65-a410df84e7d1",
        "ba92f5b4-2d11-453d-a403-e96b0029c9fe",
        "ba92f5b4-2d11-453d-a403-e96b0029c9fe on packageContainer is more",
    ),
    (
        "modules/access.bicep",
        "name: packageContainerName",
        "name: 'other'",
        "must say name: packageContainerName",
    ),
    (
        "main.bicep",
        "packageStorageName: package.outputs.name",
        "packageStorageName: storage.outputs.name",
        "must say packageStorageName",
    ),
    (
        "main.bicep",
        "package.outputs.containerUrl",
        "storage.outputs.blobEndpoint",
        "must say packageContainerUrl",
    ),
    (
        "modules/access.bicep",
        "  scope: insights\n",
        "",
        "on the whole resource group is more than is needed",
    ),
    (
        "modules/app.bicep",
        "resource ftp 'Microsoft.Web/sites/basic",
        "resource ftp 'Microsoft.Authorization/roleAssignments@1' = {}\nresource f2 \
        'Microsoft.Web/sites/basic",
        "rights are given in modules/access.bicep",
    ),
    // storage and vault
    (
        "modules/storage.bicep",
        "allowSharedKeyAccess: false",
        "allowSharedKeyAccess: true",
        "must say allowSharedKeyAccess: false",
    ),
    (
        "modules/storage.bicep",
        "'sync-calendar-poison'",
        "'sync-calendars-poison'",
        "queueNames must say",
    ),
    ("modules/storage.bicep", "'secrets'", "'secret'", "tableNames must say"),
    (
        "modules/storage.bicep",
        "'azure-webjobs-secrets'",
        "'azure-webjobs-secrets', 'package'",
        "hostContainerNames must say",
    ),
    (
        "modules/package.bicep",
        "allowSharedKeyAccess: false",
        "allowSharedKeyAccess: true",
        "must say allowSharedKeyAccess: false",
    ),
    (
        "modules/package.bicep",
        "'StorageWrite', enabled: true",
        "'StorageWrite', enabled: false",
        "must say { category: 'StorageWrite', enabled: true }",
    ),
    (
        "modules/vault.bicep",
        "enablePurgeProtection: true",
        "enablePurgeProtection: false",
        "must say enablePurgeProtection: true",
    ),
    (
        "modules/vault.bicep",
        "['wrapKey', 'unwrapKey']",
        "['wrapKey', 'unwrapKey', 'decrypt']",
        "must say keyOps",
    ),
    (
        "modules/vault.bicep",
        "categoryGroup: 'audit'",
        "categoryGroup: 'none'",
        "must say categoryGroup: 'audit'",
    ),
    // the app, its settings, and where it runs
    ("modules/app.bicep", "name: 'FC1'", "name: 'Y1'", "must say name: 'FC1'"),
    (
        "modules/app.bicep",
        "name: 'custom', version: '1.0'",
        "name: 'node', version: '22'",
        "must say runtime",
    ),
    (
        "modules/app.bicep",
        "properties: { allow: false }",
        "properties: { allow: true }",
        "must say allow: false",
    ),
    (
        "modules/app.bicep",
        "'sync_calendar'",
        "'sync-calendar'",
        "syncFunction must say sync_calendar",
    ),
    (
        "modules/app.bicep",
        "  headers: proxyHeaders\n",
        "",
        "allowed must say headers: proxyHeaders",
    ),
    (
        "modules/app.bicep",
        "empty(networks) ? 'Allow' : 'Deny'",
        "'Allow'",
        "must say ipSecurityRestrictionsDefaultAction",
    ),
    (
        "modules/app.bicep",
        "@secure()\nparam proxySecret",
        "param proxySecret",
        "proxySecret is a secret and not @secure()",
    ),
    (
        "main.bicep",
        "param location string = 'northeurope'",
        "param location string = resourceGroup().location",
        "the default region is North Europe",
    ),
    ("main.bicep", "  dependsOn: [access]\n", "", "must say dependsOn: [access]"),
    (
        "modules/alerts.bicep",
        "== \"sync_calendar_poison\"",
        "== \"poison\"",
        "there is no function poison",
    ),
    ("modules/alerts.bicep", "id: 'lag'", "id: 'delay'", "nothing reports lag"),
    (
        "modules/workbook.json",
        "\"crossComponentResources\": [\"{workspace}\"]",
        "\"crossComponentResources\": []",
        "reads no workspace",
    ),
    (
        "modules/workbook.json",
        "\"items\": [",
        "\"items\": [,",
        "modules/workbook.json: expected value",
    ),
];
