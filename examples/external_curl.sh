#!/bin/sh
# An external search by curl alone: sh examples/external_curl.sh URL KEY
# The training is a formula here, a = -(x - 2)^2; put your own program in the place of awk.
set -eu
searches=$1/api/v1/searches
call() { curl -sS -H "Authorization: Bearer $KEY" -H "Content-Type: application/json" "$@"; }
field() { sed -n "s/.*\"$1\":\"\{0,1\}\([^,\"}]*\).*/\1/p"; }  # the first value of that name in an answer
KEY=$2
order=$(mktemp) && trap 'rm -f "$order"' EXIT

search=$(call "$searches" -d '{"objective": "external", "rounds": 2, "trials_per_round": 6,
  "space": {"x": {"low": 0, "high": 10}}, "epochs": {"first": 1, "last": 1}, "final": {"models": 2}}' | field id)
while :; do
  code=$(call -X POST -o "$order" -w '%{http_code}' "$searches/$search/trials/claim?wait=20&lease=60")
  [ "$code" = 204 ] && continue       # nothing is open now: the next round is being decided
  [ "$code" = 200 ] || break          # 409: the search has ended
  trial=$(field trial < "$order")
  token=$(field token < "$order")
  score=$(field x < "$order" | awk '{print -($1 - 2) * ($1 - 2)}')
  call "$searches/$search/trials/$trial/report" -d "{\"token\": \"$token\", \"score\": $score}"; echo " $trial"
done
call "$searches/$search/result"
