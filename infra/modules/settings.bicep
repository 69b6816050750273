// The app's settings, all of them: a deployment replaces what was there, so a setting made by hand in the portal does not outlive it.

param appName string
param publicUrl string
param mode string
param pollSeconds int
param logLevel string
param storageName string
param blobEndpoint string
param queueEndpoint string
param tableEndpoint string
param keyUri string
param vaultUri string
param googleClientId string
param googleSecretName string
param microsoftClientId string
param microsoftSecretName string
param insightsConnectionString string

// No provider, no setting: the program then does not offer it.
var google = empty(googleClientId) ? {} : {
  GOOGLE_CLIENT_ID: googleClientId
  GOOGLE_CLIENT_SECRET: '@Microsoft.KeyVault(SecretUri=${vaultUri}secrets/${googleSecretName})'
}
var microsoft = empty(microsoftClientId) ? {} : {
  MICROSOFT_CLIENT_ID: microsoftClientId
  MICROSOFT_CLIENT_SECRET: '@Microsoft.KeyVault(SecretUri=${vaultUri}secrets/${microsoftSecretName})'
}

resource site 'Microsoft.Web/sites@2024-04-01' existing = {
  name: appName
}

resource appSettings 'Microsoft.Web/sites/config@2024-04-01' = {
  parent: site
  name: 'appsettings'
  properties: union({
    // Storage by identity, for the host and for the program. The addresses are written in full because their endings differ between clouds.
    AzureWebJobsStorage__accountName: storageName
    AzureWebJobsStorage__credential: 'managedidentity'
    AzureWebJobsStorage__blobServiceUri: blobEndpoint
    AzureWebJobsStorage__queueServiceUri: queueEndpoint
    AzureWebJobsStorage__tableServiceUri: tableEndpoint
    APPLICATIONINSIGHTS_CONNECTION_STRING: insightsConnectionString
    APPLICATIONINSIGHTS_AUTHENTICATION_STRING: 'Authorization=AAD'
    CALRELAY_PUBLIC_URL: publicUrl
    CALRELAY_STORE: 'azure'
    CALRELAY_KEY_VAULT_KEY: keyUri
    CALRELAY_MODE: mode
    CALRELAY_POLL_SECONDS: string(pollSeconds)
    // In Azure no calendar server is on the machine's own network, which has the identity's endpoint.
    CALRELAY_ALLOW_PRIVATE_HOSTS: 'false'
    RUST_LOG: logLevel
  }, google, microsoft)
}
