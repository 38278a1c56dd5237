#!/bin/sh
# What a CI system runs, whichever it is:
#
#   qlift-ci.sh review STACK   on a pull request: writes reports/STACK/ (review.md, .html, .json, plan.json)
#   qlift-ci.sh apply STACK    after the merge, with the reports/STACK/ of that review: does exactly that
#   qlift-ci.sh drift STACK    on a schedule: ends with 3 if the tenant is not what the main branch says
#
# From the environment, so from the CI system's store of secrets:
#   PULUMI_BACKEND_URL                  where Pulumi's state is: every runner uses the same one
#   PULUMI_CONFIG_PASSPHRASE            of the stack's secrets (not needed with Pulumi Cloud or a key service)
#   QLIFT_CLIENT_ID, QLIFT_CLIENT_SECRET  of the tenant's OAuth client (or QLIFT_API_KEY)
#
# Exit codes: 0 done; 1 refused or failed; 2 wrong usage; 3 drift.
set -eu

usage() {
    echo "usage: $0 review|apply|drift STACK" >&2
    exit 2
}

[ $# -eq 2 ] || usage
stack=$2
name=${stack##*/}
folder=reports/$name
# Both commands can be replaced, so that a test runs this very file.
qlift=${QLIFT:-qlift}
pulumi=${PULUMI:-pulumi}

case $1 in
review)
    # Makes an empty stack the first time; that writes to the state's backend, not to the tenant.
    $pulumi stack select --create "$stack" --non-interactive
    $qlift review "$stack" --save-plan
    ;;
apply)
    for file in plan.json review.json; do
        if [ ! -f "$folder/$file" ]; then
            echo "$folder/$file is missing: fetch what the review of this change left behind" >&2
            exit 1
        fi
    done
    # QLIFT_REVIEWED names the files that changed since the review; --plan refuses everything else that
    # differs. The preview that `up` runs first is held to the plan too, so a refusal comes before any change:
    # never add --skip-preview here.
    QLIFT_REVIEWED=$folder/review.json \
        $pulumi up --yes --non-interactive --stack "$stack" --plan "$folder/plan.json"
    ;;
drift)
    $pulumi stack select "$stack" --non-interactive
    $qlift review "$stack" --expect-no-changes
    ;;
*)
    usage
    ;;
esac
