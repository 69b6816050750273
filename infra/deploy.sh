#!/usr/bin/env bash
# Deploys the package to the function app that infra/main.bicep has made.
#
#   infra/deploy.sh RESOURCE_GROUP          builds the package with infra/package.sh first
#   infra/deploy.sh RESOURCE_GROUP ZIP      takes a package that is built already
#
# The deployment service of the platform stores the package as the app's own identity, which can only read it. So that identity is lent the right to
# write for as long as the deployment takes, and it is withdrawn even if the deployment fails. Needs the Azure CLI, signed in as a user who may assign roles
# (Owner, or User Access Administrator) and deploy.
set -euo pipefail

writer=ba92f5b4-2d11-453d-a403-e96b0029c9fe # Storage Blob Data Contributor, by the id that is the same in every tenant
attempts=20 pause=30                       # a right that was just given is in force after up to ten minutes

say() { printf '%s\n' "$*" >&2; }
die() { say "$*"; exit 1; }

[ $# -eq 1 ] || [ $# -eq 2 ] || { say "usage: infra/deploy.sh RESOURCE_GROUP [ZIP]"; exit 2; }
group=$1
command -v az >/dev/null || die "az is needed: https://learn.microsoft.com/cli/azure/install-azure-cli"
if [ $# -eq 2 ]; then
    zip=$2
else
    zip=$("$(dirname -- "${BASH_SOURCE[0]}")/package.sh")
fi
[ -f "$zip" ] || die "$zip is not a file."

output() {
    local value
    value=$(az deployment group show --resource-group "$group" --name main --query "properties.outputs.$1.value" --output tsv)
    [ -n "$value" ] || die "The deployment \"main\" in $group has no output $1. Deploy infra/main.bicep first."
    echo "$value"
}
app=$(output appName)
principal=$(output principalId)
container=$(output packageContainerId)

# Every right to write that the app has on the container, also one that a run left behind which could not end as it should.
lent() {
    az role assignment list --scope "$container" \
        --query "[?principalId=='$principal' && ends_with(roleDefinitionId, '$writer')].id" --output tsv
}
take_back() {
    local status=$? ids
    trap - EXIT
    trap '' INT TERM HUP
    if ids=$(lent) && { [ -z "$ids" ] || { say "Taking the right to write the package back ..." && az role assignment delete --ids $ids >&2; }; } &&
        ids=$(lent) && [ -z "$ids" ]; then
        exit "$status"
    fi
    say "THE APP MAY STILL WRITE ITS OWN PACKAGE. Run this again, or remove its role Storage Blob Data Contributor on $container."
    exit 1
}
trap take_back EXIT
trap 'exit 130' INT TERM HUP

say "Lending the app the right to write its package ..."
az role assignment create --assignee-object-id "$principal" --assignee-principal-type ServicePrincipal --role "$writer" --scope "$container" \
    --output none
for ((attempt = 1; ; attempt++)); do
    say "Deploying $zip to $app ..."
    if said=$(az functionapp deployment source config-zip --resource-group "$group" --name "$app" --src "$zip" --output none 2>&1); then
        break
    fi
    say "$said"
    # What storage answers until the right is in force. Any other failure would be the same again.
    case $said in
    *403* | *Forbidden* | *"not authorized"* | *BlobUploadFailed*) ;;
    *) die "The package was not deployed." ;;
    esac
    [ "$attempt" -lt "$attempts" ] || die "The package was not deployed: storage still refuses it."
    sleep "$pause"
done
say "$app has the package."
