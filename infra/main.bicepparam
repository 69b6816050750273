// An example: copy it to my.bicepparam, change what you need, and deploy with `--parameters my.bicepparam`. What is not named here keeps its default.
using './main.bicep'

param location = 'northeurope'

// Client ids are no secrets. The secrets themselves come from the environment of the shell that deploys, are never in a file, and end in the vault.
// Left unset in a later deployment, the ones in the vault stay.
param googleClientId = ''
param googleClientSecret = readEnvironmentVariable('GOOGLE_CLIENT_SECRET', '')
param microsoftClientId = ''
param microsoftClientSecret = readEnvironmentVariable('MICROSOFT_CLIENT_SECRET', '')

// 0 and 0: everything scales to zero. 1 and 1: pages, webhooks and syncs answer at once.
param alwaysReadyHttp = 1
param alwaysReadySync = 0

param pollSeconds = 60
param alertEmail = ''

// Behind Cloudflare: the host name there, the ranges of https://www.cloudflare.com/ips/ (both lists, as they are on the day that you deploy), and the
// value that only your zone sends (README, "An address of your own"). Left unset in a later deployment, the value is no longer asked for.
param customDomain = ''
param allowedNetworks = []
param proxySecret = readEnvironmentVariable('PROXY_SECRET', '')
