// What the app's identity may do. Each right is on the smallest thing that it is needed for.

param principalId string
param storageName string
param hostContainers string[]
param packageStorageName string
param packageContainerName string
param queues string[]
param tables string[]
param vaultName string
param keyName string
param secrets string[]
param insightsName string

// Built-in roles, by the ids that are the same in every tenant.
var roles = {
  // Storage Blob Data Owner: what the Functions host asks for where it keeps its own files.
  blobDataOwner: 'b7e6dc6d-f1e8-4753-8033-0f276bb0955b'
  blobDataReader: '2a2b9908-6ea1-4ae2-8e65-a410df84e7d1'
  queueDataContributor: '974c5e8b-45b9-4653-ba55-5f855dd0fb88'
  tableDataContributor: '0a9a7e1f-b9d0-4cc4-a60d-0319b160aaa3'
  // Key Vault Crypto Service Encryption User: reads the key, wraps, unwraps. Not Crypto User, which may also sign and decrypt.
  keyWrapper: 'e147488a-f6f5-4113-8e2d-b22465e65bf6'
  secretsUser: '4633458b-17de-408a-b874-0445c86b69e6'
  metricsPublisher: '3913510d-42f4-4e42-8a64-420c390055eb'
}

resource account 'Microsoft.Storage/storageAccounts@2023-05-01' existing = {
  name: storageName
}

resource blobService 'Microsoft.Storage/storageAccounts/blobServices@2023-05-01' existing = {
  parent: account
  name: 'default'
}

resource hostContainerItems 'Microsoft.Storage/storageAccounts/blobServices/containers@2023-05-01' existing = [for container in hostContainers: {
  parent: blobService
  name: container
}]

resource packageAccount 'Microsoft.Storage/storageAccounts@2023-05-01' existing = {
  name: packageStorageName
}

resource packageBlobs 'Microsoft.Storage/storageAccounts/blobServices@2023-05-01' existing = {
  parent: packageAccount
  name: 'default'
}

resource packageContainer 'Microsoft.Storage/storageAccounts/blobServices/containers@2023-05-01' existing = {
  parent: packageBlobs
  name: packageContainerName
}

resource queueService 'Microsoft.Storage/storageAccounts/queueServices@2023-05-01' existing = {
  parent: account
  name: 'default'
}

resource queueItems 'Microsoft.Storage/storageAccounts/queueServices/queues@2023-05-01' existing = [for queue in queues: {
  parent: queueService
  name: queue
}]

resource tableService 'Microsoft.Storage/storageAccounts/tableServices@2023-05-01' existing = {
  parent: account
  name: 'default'
}

resource tableItems 'Microsoft.Storage/storageAccounts/tableServices/tables@2023-05-01' existing = [for table in tables: {
  parent: tableService
  name: table
}]

resource vault 'Microsoft.KeyVault/vaults@2023-07-01' existing = {
  name: vaultName
}

resource wrappingKey 'Microsoft.KeyVault/vaults/keys@2023-07-01' existing = {
  parent: vault
  name: keyName
}

resource secretItems 'Microsoft.KeyVault/vaults/secrets@2023-07-01' existing = [for secret in secrets: {
  parent: vault
  name: secret
}]

resource insights 'Microsoft.Insights/components@2020-02-02' existing = {
  name: insightsName
}

// The containers are made by modules/storage: a host that had to make them would need the whole account.
resource hostRights 'Microsoft.Authorization/roleAssignments@2022-04-01' = [for (container, i) in hostContainers: {
  scope: hostContainerItems[i]
  name: guid(account.id, container, principalId, roles.blobDataOwner)
  properties: {
    roleDefinitionId: subscriptionResourceId('Microsoft.Authorization/roleDefinitions', roles.blobDataOwner)
    principalId: principalId
    principalType: 'ServicePrincipal'
  }
}]

// Instances start from the package as the app's identity, and so does the deployment service store it: infra/deploy.sh lends the right to write for the
// minutes of a deployment. A permanent right would let an attacker who controls the program replace it.
resource packageRight 'Microsoft.Authorization/roleAssignments@2022-04-01' = {
  scope: packageContainer
  name: guid(packageContainer.id, principalId, roles.blobDataReader)
  properties: {
    roleDefinitionId: subscriptionResourceId('Microsoft.Authorization/roleDefinitions', roles.blobDataReader)
    principalId: principalId
    principalType: 'ServicePrincipal'
  }
}

resource queueRights 'Microsoft.Authorization/roleAssignments@2022-04-01' = [for (queue, i) in queues: {
  scope: queueItems[i]
  name: guid(account.id, queue, principalId, roles.queueDataContributor)
  properties: {
    roleDefinitionId: subscriptionResourceId('Microsoft.Authorization/roleDefinitions', roles.queueDataContributor)
    principalId: principalId
    principalType: 'ServicePrincipal'
  }
}]

resource tableRights 'Microsoft.Authorization/roleAssignments@2022-04-01' = [for (table, i) in tables: {
  scope: tableItems[i]
  name: guid(account.id, table, principalId, roles.tableDataContributor)
  properties: {
    roleDefinitionId: subscriptionResourceId('Microsoft.Authorization/roleDefinitions', roles.tableDataContributor)
    principalId: principalId
    principalType: 'ServicePrincipal'
  }
}]

resource keyRight 'Microsoft.Authorization/roleAssignments@2022-04-01' = {
  scope: wrappingKey
  name: guid(wrappingKey.id, principalId, roles.keyWrapper)
  properties: {
    roleDefinitionId: subscriptionResourceId('Microsoft.Authorization/roleDefinitions', roles.keyWrapper)
    principalId: principalId
    principalType: 'ServicePrincipal'
  }
}

// Only the secrets that a setting refers to, and only to read them.
resource secretRights 'Microsoft.Authorization/roleAssignments@2022-04-01' = [for (secret, i) in secrets: {
  scope: secretItems[i]
  name: guid(vault.id, secret, principalId, roles.secretsUser)
  properties: {
    roleDefinitionId: subscriptionResourceId('Microsoft.Authorization/roleDefinitions', roles.secretsUser)
    principalId: principalId
    principalType: 'ServicePrincipal'
  }
}]

resource telemetryRight 'Microsoft.Authorization/roleAssignments@2022-04-01' = {
  scope: insights
  name: guid(insights.id, principalId, roles.metricsPublisher)
  properties: {
    roleDefinitionId: subscriptionResourceId('Microsoft.Authorization/roleDefinitions', roles.metricsPublisher)
    principalId: principalId
    principalType: 'ServicePrincipal'
  }
}
