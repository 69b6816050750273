// The function app: Flex Consumption, one program as a custom handler.
//
// What it runs is said in functionAppConfig. The settings that say so elsewhere (worker runtime, extension version, package address) do not belong on
// this plan, and tests look that none creeps in. Nor does it take diagnostic settings; the app reports to Application Insights.

param name string
param location string
param tags object
param packageContainerUrl string
param instanceMemoryMB int
param maximumInstances int
param alwaysReadyHttp int
param alwaysReadySync int
param allowedNetworks string[]
@secure()
param proxySecret string

var syncFunction = 'sync_calendar'

// All functions with an HTTP trigger share instances; a queue function has its own.
var readyForHttp = alwaysReadyHttp > 0 ? [{ name: 'http', instanceCount: alwaysReadyHttp }] : []
var readyForSync = alwaysReadySync > 0 ? [{ name: 'function:${syncFunction}', instanceCount: alwaysReadySync }] : []

// Of the few headers that Azure's front end compares, the one that is free where there is no Front Door: it takes any value.
var proxyHeaders = empty(proxySecret) ? {} : { 'x-azure-fdid': [proxySecret] }
var networks = empty(allowedNetworks) && !empty(proxySecret) ? ['0.0.0.0/0', '::/0'] : allowedNetworks

var allowed = [for (network, i) in networks: {
  name: 'network-${i}'
  action: 'Allow'
  ipAddress: network
  headers: proxyHeaders
  priority: 100 + i
}]

resource plan 'Microsoft.Web/serverfarms@2024-04-01' = {
  name: '${name}-plan'
  location: location
  tags: tags
  kind: 'functionapp'
  sku: { tier: 'FlexConsumption', name: 'FC1' }
  properties: { reserved: true }
}

resource site 'Microsoft.Web/sites@2024-04-01' = {
  name: name
  location: location
  tags: tags
  kind: 'functionapp,linux'
  // Lives and dies with the app; there is no client id to hand around, and nothing else can borrow it.
  identity: { type: 'SystemAssigned' }
  properties: {
    serverFarmId: plan.id
    httpsOnly: true
    clientAffinityEnabled: false
    siteConfig: {
      minTlsVersion: '1.2'
      ipSecurityRestrictions: allowed
      ipSecurityRestrictionsDefaultAction: empty(networks) ? 'Allow' : 'Deny'
      // The operator deploys from anywhere, by identity.
      scmIpSecurityRestrictionsUseMain: false
    }
    functionAppConfig: {
      runtime: { name: 'custom', version: '1.0' }
      deployment: {
        storage: {
          type: 'blobContainer'
          value: packageContainerUrl
          authentication: { type: 'SystemAssignedIdentity' }
        }
      }
      scaleAndConcurrency: {
        instanceMemoryMB: instanceMemoryMB
        maximumInstanceCount: maximumInstances
        alwaysReady: concat(readyForHttp, readyForSync)
      }
    }
  }
}

// No user name and password for publishing.
resource ftp 'Microsoft.Web/sites/basicPublishingCredentialsPolicies@2024-04-01' = {
  parent: site
  name: 'ftp'
  properties: { allow: false }
}

resource scm 'Microsoft.Web/sites/basicPublishingCredentialsPolicies@2024-04-01' = {
  parent: site
  name: 'scm'
  properties: { allow: false }
}

output name string = site.name
output hostName string = site.properties.defaultHostName
output principalId string = site.identity.principalId
output domainProof string = site.properties.customDomainVerificationId
