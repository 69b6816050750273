// What wakes the operator. All rules read the workspace, where the Functions host writes every invocation.

param name string
param location string
param tags object
param workspaceId string
param email string
param lagSeconds int
param watches bool

// Names of functions are those of the folders in functions/.
var rules = [
  {
    id: 'poison'
    title: 'A calendar could not be synced'
    description: 'A message failed as often as it may and was set aside. Its pair is marked, and its owner sees the error. Look at the exceptions of sync_calendar.'
    query: 'AppRequests | where OperationName == "sync_calendar_poison"'
    threshold: 0
    severity: 2
    enabled: true
    every: 'PT5M'
    window: 'PT5M'
  }
  {
    id: 'failures'
    title: 'A function fails'
    description: 'More than five failed invocations of one function within a quarter of an hour. Single failures are retried and mean nothing.'
    // 4xx is what a caller did wrong, not the function.
    query: 'AppRequests | where Success == false and not(ResultCode startswith "4") | summarize failures = sum(ItemCount) by OperationName | where failures > 5'
    threshold: 0
    severity: 2
    enabled: true
    every: 'PT5M'
    window: 'PT15M'
  }
  {
    id: 'lag'
    title: 'Calendars wait'
    description: 'Half of the messages waited longer than the limit between being enqueued and being taken up. Look at the number of instances and at throttling.'
    // The host writes this line when it takes a message, with the time of insertion at its end. Retries are left out: they wait on purpose.
    query: 'AppTraces | where Message startswith "Trigger Details:" | parse Message with * "DequeueCount: " attempt:int ", InsertionTime: " inserted | where attempt == 1 | summarize median = percentile((TimeGenerated - todatetime(inserted)) / 1s, 50) | where median > ${lagSeconds}'
    threshold: 0
    severity: 2
    enabled: true
    every: 'PT5M'
    window: 'PT15M'
  }
  {
    id: 'silence'
    title: 'The timer is silent'
    description: 'poll_caldav has not run for half an hour: the app does not start, its settings are wrong, or the daily limit of logs is reached.'
    // One row always, so that silence is a value and not the lack of one.
    query: 'AppRequests | where OperationName == "poll_caldav" | summarize runs = count() | where runs == 0'
    threshold: 0
    severity: 1
    enabled: true
    every: 'PT15M'
    window: 'PT30M'
  }
  {
    id: 'vault'
    title: 'The vault refuses'
    description: 'Key Vault refused or throttled the app. Secrets stay sealed and syncs wait; nothing is lost.'
    query: 'AzureDiagnostics | where ResourceProvider == "MICROSOFT.KEYVAULT" and httpStatusCode_d in (403, 429) | where OperationName in ("KeyWrap", "KeyUnwrap", "SecretGet")'
    threshold: 5
    severity: 1
    enabled: true
    every: 'PT5M'
    window: 'PT15M'
  }
  {
    id: 'watches'
    title: 'A watch is near its end'
    description: 'Google or Microsoft will stop telling about changes of a calendar, because its renewal keeps failing.'
    // The line that renew_google_channels and renew_graph_subscriptions write, with every run, while fewer than six hours are left.
    query: 'AppTraces | where Message has "watch near its end"'
    threshold: 0
    severity: 2
    enabled: watches
    every: 'PT15M'
    window: 'PT1H'
  }
]

resource group 'Microsoft.Insights/actionGroups@2023-01-01' = if (!empty(email)) {
  name: '${name}-operator'
  location: 'global'
  tags: tags
  properties: {
    groupShortName: 'calrelay'
    enabled: true
    emailReceivers: [
      {
        name: 'operator'
        emailAddress: email
        useCommonAlertSchema: true
      }
    ]
  }
}

resource alertRules 'Microsoft.Insights/scheduledQueryRules@2023-03-15-preview' = [for rule in rules: {
  name: '${name}-${rule.id}'
  location: location
  tags: tags
  kind: 'LogAlert'
  properties: {
    displayName: rule.title
    description: rule.description
    enabled: rule.enabled
    severity: rule.severity
    scopes: [workspaceId]
    evaluationFrequency: rule.every
    windowSize: rule.window
    criteria: {
      allOf: [
        {
          query: rule.query
          timeAggregation: 'Count'
          operator: 'GreaterThan'
          threshold: rule.threshold
          failingPeriods: { numberOfEvaluationPeriods: 1, minFailingPeriodsToAlert: 1 }
        }
      ]
    }
    // Tables of a fresh workspace exist only once something was written; a rule may be made before.
    skipQueryValidation: true
    autoMitigate: true
    actions: { actionGroups: empty(email) ? [] : [group.id] }
  }
}]
