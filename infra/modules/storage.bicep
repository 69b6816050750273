// Rows, messages, and the files of the Functions host. There are no shared keys: every caller shows an identity.

param name string
param location string
param tags object
param sku string
param lock bool
param workspaceId string
param requestLogs bool

// The tables of handler/store (`Table::name`, and the leases of `azure/leases.rs`), and the queue of the contract with its poison queue. They are made
// here, so that the app needs no right to make any.
var tableNames = ['directory', 'secrets', 'pairs', 'leases']
var queueNames = ['sync-calendar', 'sync-calendar-poison']
// What the Functions host keeps for itself: leases, schedules and its own id in the first, the keys of functions in the second.
var hostContainerNames = ['azure-webjobs-hosts', 'azure-webjobs-secrets']

resource account 'Microsoft.Storage/storageAccounts@2023-05-01' = {
  name: name
  location: location
  tags: tags
  kind: 'StorageV2'
  sku: { name: sku }
  properties: {
    allowSharedKeyAccess: false
    allowBlobPublicAccess: false
    allowCrossTenantReplication: false
    defaultToOAuthAuthentication: true
    minimumTlsVersion: 'TLS1_2'
    supportsHttpsTrafficOnly: true
    // The app has no virtual network; what protects the rows is identity, and that their secrets are sealed.
    publicNetworkAccess: 'Enabled'
  }
}

resource blobs 'Microsoft.Storage/storageAccounts/blobServices@2023-05-01' = {
  parent: account
  name: 'default'
  properties: {
    deleteRetentionPolicy: { enabled: true, days: 7 }
  }
}

resource hostContainers 'Microsoft.Storage/storageAccounts/blobServices/containers@2023-05-01' = [for container in hostContainerNames: {
  parent: blobs
  name: container
  properties: { publicAccess: 'None' }
}]

resource queueService 'Microsoft.Storage/storageAccounts/queueServices@2023-05-01' = {
  parent: account
  name: 'default'
}

resource queueItems 'Microsoft.Storage/storageAccounts/queueServices/queues@2023-05-01' = [for queue in queueNames: {
  parent: queueService
  name: queue
}]

resource tableService 'Microsoft.Storage/storageAccounts/tableServices@2023-05-01' = {
  parent: account
  name: 'default'
}

resource tableItems 'Microsoft.Storage/storageAccounts/tableServices/tables@2023-05-01' = [for table in tableNames: {
  parent: tableService
  name: table
}]

// Tables have no soft delete. What this lock prevents is the one mistake that a backup alone could mend.
resource accountLock 'Microsoft.Authorization/locks@2020-05-01' = if (lock) {
  scope: account
  name: 'keep'
  properties: {
    level: 'CanNotDelete'
    notes: 'Holds the pairs and sealed secrets of all users.'
  }
}

resource queueDiagnostics 'Microsoft.Insights/diagnosticSettings@2021-05-01-preview' = {
  scope: queueService
  name: 'to-workspace'
  properties: {
    workspaceId: workspaceId
    metrics: [{ category: 'Transaction', enabled: true }]
    logs: [
      { category: 'StorageRead', enabled: requestLogs }
      { category: 'StorageWrite', enabled: requestLogs }
      { category: 'StorageDelete', enabled: requestLogs }
    ]
  }
}

resource tableDiagnostics 'Microsoft.Insights/diagnosticSettings@2021-05-01-preview' = {
  scope: tableService
  name: 'to-workspace'
  properties: {
    workspaceId: workspaceId
    metrics: [{ category: 'Transaction', enabled: true }]
    logs: [
      { category: 'StorageRead', enabled: requestLogs }
      { category: 'StorageWrite', enabled: requestLogs }
      { category: 'StorageDelete', enabled: requestLogs }
    ]
  }
}

// The host's own leases and schedules; the package is in modules/package.
resource blobDiagnostics 'Microsoft.Insights/diagnosticSettings@2021-05-01-preview' = {
  scope: blobs
  name: 'to-workspace'
  properties: {
    workspaceId: workspaceId
    metrics: [{ category: 'Transaction', enabled: true }]
    logs: [
      { category: 'StorageWrite', enabled: requestLogs }
      { category: 'StorageDelete', enabled: requestLogs }
    ]
  }
}

output name string = account.name
output queues string[] = queueNames
output tables string[] = tableNames
output hostContainers string[] = hostContainerNames
output blobEndpoint string = account.properties.primaryEndpoints.blob
output queueEndpoint string = account.properties.primaryEndpoints.queue
output tableEndpoint string = account.properties.primaryEndpoints.table
