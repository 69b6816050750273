// A host name of the operator's own. Azure accepts it once DNS says whose it is: TXT `asuid.<host name>` (output `domainProof`), and CNAME to the app.
//
// TLS for it is terminated by the proxy in front (Cloudflare): on this plan certificates are a preview. README, "An address of your own".

param appName string
param hostName string

resource site 'Microsoft.Web/sites@2024-04-01' existing = {
  name: appName
}

resource binding 'Microsoft.Web/sites/hostNameBindings@2024-04-01' = {
  parent: site
  name: hostName
  properties: {
    siteName: site.name
    hostNameType: 'Verified'
    customHostNameDnsRecordType: 'CName'
  }
}
