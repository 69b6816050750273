// The key that wraps the data keys of all stored secrets, and the secrets of the OAuth apps.

param name string
param location string
param tags object
param keySize int
param lock bool
param workspaceId string

@secure()
param googleClientSecret string

@secure()
param microsoftClientSecret string

resource vault 'Microsoft.KeyVault/vaults@2023-07-01' = {
  name: name
  location: location
  tags: tags
  properties: {
    tenantId: tenant().tenantId
    sku: { family: 'A', name: 'standard' }
    enableRbacAuthorization: true
    // Without the key no stored secret ever opens again. For 90 days no user can purge it, its owner included.
    enableSoftDelete: true
    softDeleteRetentionInDays: 90
    enablePurgeProtection: true
    // References in app settings are resolved from outside any network of ours.
    publicNetworkAccess: 'Enabled'
  }
}

// Wraps and unwraps, and can do nothing else. Azure makes a new version every year; older ones must open what they wrapped, so none expires.
// A deployment that finds the key leaves it as it is.
resource wrappingKey 'Microsoft.KeyVault/vaults/keys@2023-07-01' = {
  parent: vault
  name: 'wrapping'
  properties: {
    kty: 'RSA'
    keySize: keySize
    keyOps: ['wrapKey', 'unwrapKey']
    attributes: { enabled: true }
    rotationPolicy: {
      lifetimeActions: [
        {
          trigger: { timeAfterCreate: 'P1Y' }
          action: { type: 'rotate' }
        }
      ]
    }
  }
}

var googleSecretName = 'google-client-secret'
var microsoftSecretName = 'microsoft-client-secret'

resource googleSecret 'Microsoft.KeyVault/vaults/secrets@2023-07-01' = if (!empty(googleClientSecret)) {
  parent: vault
  name: googleSecretName
  properties: { value: googleClientSecret }
}

resource microsoftSecret 'Microsoft.KeyVault/vaults/secrets@2023-07-01' = if (!empty(microsoftClientSecret)) {
  parent: vault
  name: microsoftSecretName
  properties: { value: microsoftClientSecret }
}

resource vaultLock 'Microsoft.Authorization/locks@2020-05-01' = if (lock) {
  scope: vault
  name: 'keep'
  properties: {
    level: 'CanNotDelete'
    notes: 'Holds the key without which no stored secret opens.'
  }
}

// Who used the key, and who was refused.
resource diagnostics 'Microsoft.Insights/diagnosticSettings@2021-05-01-preview' = {
  scope: vault
  name: 'to-workspace'
  properties: {
    workspaceId: workspaceId
    logs: [{ categoryGroup: 'audit', enabled: true }]
  }
}

output name string = vault.name
output uri string = vault.properties.vaultUri
output keyName string = wrappingKey.name
// Without a version: new secrets take the newest one, and each wrapped key remembers its own.
output keyUri string = wrappingKey.properties.keyUri
output googleSecretName string = googleSecretName
output microsoftSecretName string = microsoftSecretName
