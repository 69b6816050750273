//! What the deployment is held to, as tables.

/// Settings that the app needs in Azure; those of the OAuth apps are set where there is one.
pub const REQUIRED: [&str; 18] = [
    "APPLICATIONINSIGHTS_AUTHENTICATION_STRING",
    "APPLICATIONINSIGHTS_CONNECTION_STRING",
    "AzureWebJobsStorage__accountName",
    "AzureWebJobsStorage__blobServiceUri",
    "AzureWebJobsStorage__credential",
    "AzureWebJobsStorage__queueServiceUri",
    "AzureWebJobsStorage__tableServiceUri",
    "CALRELAY_ALLOW_PRIVATE_HOSTS",
    "CALRELAY_KEY_VAULT_KEY",
    "CALRELAY_MODE",
    "CALRELAY_POLL_SECONDS",
    "CALRELAY_PUBLIC_URL",
    "CALRELAY_STORE",
    "GOOGLE_CLIENT_ID",
    "GOOGLE_CLIENT_SECRET",
    "MICROSOFT_CLIENT_ID",
    "MICROSOFT_CLIENT_SECRET",
    "RUST_LOG",
];

/// Settings whose value is a secret.
pub const SECRET_SETTINGS: [&str; 2] = ["GOOGLE_CLIENT_SECRET", "MICROSOFT_CLIENT_SECRET"];

/// Settings and site properties that Flex Consumption refuses (ARM error 51021) or ignores, and a
/// shared key for storage. A name that ends in `_` covers all names with that prefix.
pub const FORBIDDEN: [&str; 20] = [
    "AzureWebJobsStorage",
    "AzureWebJobsDashboard",
    "APPINSIGHTS_INSTRUMENTATIONKEY",
    "ENABLE_ORYX_BUILD",
    "FUNCTIONS_EXTENSION_VERSION",
    "FUNCTIONS_WORKER_RUNTIME",
    "SCM_DO_BUILD_DURING_DEPLOYMENT",
    "TZ",
    "WEBSITE_",
    "alwaysOn",
    "ftpsState",
    "functionAppScaleLimit",
    "functionsRuntimeScaleMonitoringEnabled",
    "linuxFxVersion",
    "netFrameworkVersion",
    "preWarmedInstanceCount",
    "use32BitWorkerProcess",
    "vnetContentShareEnabled",
    "vnetRouteAllEnabled",
    "windowsFxVersion",
];

/// Built-in roles (their ids are the same in every tenant), and the one scope of each. No other
/// assignments.
pub const ROLES: [(&str, &str, &str); 7] = [
    ("Storage Blob Data Owner", "b7e6dc6d-f1e8-4753-8033-0f276bb0955b", "hostContainerItems[i]"),
    ("Storage Blob Data Reader", "2a2b9908-6ea1-4ae2-8e65-a410df84e7d1", "packageContainer"),
    ("Storage Queue Data Contributor", "974c5e8b-45b9-4653-ba55-5f855dd0fb88", "queueItems[i]"),
    ("Storage Table Data Contributor", "0a9a7e1f-b9d0-4cc4-a60d-0319b160aaa3", "tableItems[i]"),
    (
        "Key Vault Crypto Service Encryption User",
        "e147488a-f6f5-4113-8e2d-b22465e65bf6",
        "wrappingKey",
    ),
    ("Key Vault Secrets User", "4633458b-17de-408a-b874-0445c86b69e6", "secretItems[i]"),
    ("Monitoring Metrics Publisher", "3913510d-42f4-4e42-8a64-420c390055eb", "insights"),
];

/// Where storage on Azure keeps leases, beside the tables of the store's own.
pub const LEASES: &str = "leases";

/// Functions that the deployment speaks of, by the names of their folders. The first is the one
/// that syncs.
pub const FUNCTIONS: [&str; 3] = ["sync_calendar", "sync_calendar_poison", "poll_caldav"];
