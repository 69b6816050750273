// Calrelay in a subscription of the operator's own: one resource group, one function app, nothing that needs a password of Azure's.
//
// What keeps what apart:
//   modules/storage     rows, messages, the files of the Functions host; no shared keys
//   modules/package     the deployed package, which the app can only read
//   modules/vault       the wrapping key, and the secrets of the OAuth apps
//   modules/monitoring  logs and telemetry
//   modules/app         the plan and the function app, with an identity of its own
//   modules/access      what that identity may do, resource by resource
//   modules/settings    the app's settings; last, so that it starts with all rights in place
//   modules/domain      an address of one's own, optional
//   modules/alerts, modules/workbook    alerts to the operator, and the workbook

@description('Begins the names of all resources. Letters and digits, lower case.')
@minLength(3)
@maxLength(11)
param name string = 'calrelay'

@description('Where everything lives; no data leaves this region. See `az functionapp list-flexconsumption-locations`.')
param location string = 'northeurope'

@description('Tags of every resource.')
param tags object = {}

@description('Memory of an instance, in MiB. Host and program share it; the program itself needs some 30.')
@allowed([512, 2048, 4096])
param instanceMemoryMB int = 512

@description('The most instances. Azure takes 40 to 1,000.')
@minValue(40)
@maxValue(1000)
param maximumInstances int = 40

@description('Instances that are always up for pages and webhooks. 0 scales to zero; Microsoft stops sending to hosts that answer slowly.')
@minValue(0)
@maxValue(20)
param alwaysReadyHttp int = 1

@description('Instances that are always up for syncs. 0 scales to zero, and a change then waits for an instance to start.')
@minValue(0)
@maxValue(20)
param alwaysReadySync int = 0

@description('Copies of the stored rows: within one place (LRS), in three zones of the region (ZRS).')
@allowed(['Standard_LRS', 'Standard_ZRS'])
param storageSku string = 'Standard_ZRS'

@description('Bits of the wrapping key. Operations with 3072 and more cost about five times as much as with 2048; the program asks seldom.')
@allowed([2048, 3072, 4096])
param keySize int = 3072

@description('Locks storage and vault against deletion by mistake. Purge protection of the vault is always on.')
param deleteLock bool = true

@description('Who may use the app: one person without sign-in, or everybody who signs in. Sign-in comes with a later version; until then it is all one.')
@allowed(['single-user', 'multi-user'])
param mode string = 'multi-user'

@description('How often CalDAV calendars are looked at, in seconds. The dearest number in this file: see "What it costs" in the README.')
@minValue(1)
@maxValue(86400)
param pollSeconds int = 60

@description('What is logged: error, warn, info, debug, or by module. Titles, texts and secrets never are.')
param logLevel string = 'info'

@description('Client id of the OAuth app at Google; empty for none. Not a secret.')
param googleClientId string = ''

@description('Its secret, written to the vault. Empty leaves what is in the vault.')
@secure()
param googleClientSecret string = ''

@description('Client id of the app registration at Microsoft; empty for none. Not a secret.')
param microsoftClientId string = ''

@description('Its secret, written to the vault. Empty leaves what is in the vault.')
@secure()
param microsoftClientSecret string = ''

@description('A host name of one\'s own, such as calendars.example.org; empty for the one that Azure gives.')
param customDomain string = ''

@description('Networks that may reach the app, as CIDR. Empty for all; behind Cloudflare its ranges, from https://www.cloudflare.com/ips/.')
param allowedNetworks string[] = []

@description('What the proxy in front sends in the header X-Azure-FDID: a long random value; empty for none. Azure refuses a request without it before the app is asked. Networks alone let in every customer of that proxy.')
@secure()
param proxySecret string = ''

@description('Where alerts go by mail; empty for nowhere but the portal.')
param alertEmail string = ''

@description('Alert when a changed calendar waits longer than this, in seconds.')
@minValue(5)
param lagAlertSeconds int = 60

@description('Alert when a watch of Google or Microsoft is near its end.')
param watchAlert bool = true

@description('Log every request to tables, queues and the host\'s files too. Useful for a day of searching; it costs more than everything else together. Requests to the app and to its package are logged in any case.')
param storageLogs bool = false

@description('The most logs a day, in GB. Above it nothing is logged until the next day, and alerts are blind.')
@minValue(1)
param dailyLogCapGB int = 1

// Storage accounts and vaults share one namespace with the whole world.
var suffix = take(uniqueString(subscription().subscriptionId, resourceGroup().id, name), 8)
var appName = '${name}-${suffix}'
var publicHost = empty(customDomain) ? app.outputs.hostName : customDomain

module monitoring 'modules/monitoring.bicep' = {
  name: 'monitoring'
  params: {
    name: appName
    location: location
    tags: tags
    dailyCapGB: dailyLogCapGB
  }
}

module storage 'modules/storage.bicep' = {
  name: 'storage'
  params: {
    name: 'st${name}${suffix}'
    location: location
    tags: tags
    sku: storageSku
    lock: deleteLock
    workspaceId: monitoring.outputs.workspaceId
    requestLogs: storageLogs
  }
}

module package 'modules/package.bicep' = {
  name: 'package'
  params: {
    name: 'stp${name}${suffix}'
    location: location
    tags: tags
    sku: storageSku
    workspaceId: monitoring.outputs.workspaceId
  }
}

module vault 'modules/vault.bicep' = {
  name: 'vault'
  params: {
    name: 'kv${name}${suffix}'
    location: location
    tags: tags
    keySize: keySize
    lock: deleteLock
    workspaceId: monitoring.outputs.workspaceId
    googleClientSecret: googleClientSecret
    microsoftClientSecret: microsoftClientSecret
  }
}

module app 'modules/app.bicep' = {
  name: 'app'
  params: {
    name: appName
    location: location
    tags: tags
    packageContainerUrl: package.outputs.containerUrl
    instanceMemoryMB: instanceMemoryMB
    maximumInstances: maximumInstances
    alwaysReadyHttp: alwaysReadyHttp
    alwaysReadySync: alwaysReadySync
    allowedNetworks: allowedNetworks
    proxySecret: proxySecret
  }
}

module access 'modules/access.bicep' = {
  name: 'access'
  params: {
    principalId: app.outputs.principalId
    storageName: storage.outputs.name
    hostContainers: storage.outputs.hostContainers
    packageStorageName: package.outputs.name
    packageContainerName: package.outputs.container
    queues: storage.outputs.queues
    tables: storage.outputs.tables
    vaultName: vault.outputs.name
    keyName: vault.outputs.keyName
    secrets: concat(empty(googleClientId) ? [] : [vault.outputs.googleSecretName], empty(microsoftClientId) ? [] : [vault.outputs.microsoftSecretName])
    insightsName: monitoring.outputs.insightsName
  }
}

module settings 'modules/settings.bicep' = {
  name: 'settings'
  params: {
    appName: app.outputs.name
    publicUrl: 'https://${publicHost}'
    mode: mode
    pollSeconds: pollSeconds
    logLevel: logLevel
    storageName: storage.outputs.name
    blobEndpoint: storage.outputs.blobEndpoint
    queueEndpoint: storage.outputs.queueEndpoint
    tableEndpoint: storage.outputs.tableEndpoint
    keyUri: vault.outputs.keyUri
    vaultUri: vault.outputs.uri
    googleClientId: googleClientId
    googleSecretName: vault.outputs.googleSecretName
    microsoftClientId: microsoftClientId
    microsoftSecretName: vault.outputs.microsoftSecretName
    insightsConnectionString: monitoring.outputs.insightsConnectionString
  }
  dependsOn: [access]
}

module domain 'modules/domain.bicep' = if (!empty(customDomain)) {
  name: 'domain'
  params: {
    appName: app.outputs.name
    hostName: customDomain
  }
}

module alerts 'modules/alerts.bicep' = {
  name: 'alerts'
  params: {
    name: appName
    location: location
    tags: tags
    workspaceId: monitoring.outputs.workspaceId
    email: alertEmail
    lagSeconds: lagAlertSeconds
    watches: watchAlert
  }
}

module workbook 'modules/workbook.bicep' = {
  name: 'workbook'
  params: {
    name: appName
    location: location
    tags: tags
    workspaceId: monitoring.outputs.workspaceId
  }
}

@description('The name of the function app, for the command that deploys the package.')
output appName string = app.outputs.name

@description('The app\'s identity, to which infra/deploy.sh lends the right to write the package.')
output principalId string = app.outputs.principalId

@description('The container of the package.')
output packageContainerId string = package.outputs.containerId

@description('The address that browsers and providers reach.')
output publicUrl string = 'https://${publicHost}'

@description('Redirect address to enter at Google.')
output googleRedirect string = 'https://${publicHost}/oauth/google/callback'

@description('Redirect address to enter at Microsoft.')
output microsoftRedirect string = 'https://${publicHost}/oauth/microsoft/callback'

@description('Value of the TXT record `asuid.<host name>` that proves the custom domain is yours.')
output domainProof string = app.outputs.domainProof

@description('The vault, for rotating the key.')
output vaultName string = vault.outputs.name

@description('The wrapping key: CALRELAY_KEY_VAULT_KEY on the operator\'s own machine.')
output keyUri string = vault.outputs.keyUri

@description('The storage account: AzureWebJobsStorage__accountName on the operator\'s own machine.')
output storageName string = storage.outputs.name
