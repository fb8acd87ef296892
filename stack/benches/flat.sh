#!/bin/sh
# Fails if anything costs a fifth more instructions beside 10,000 connections than beside 10.
set -eu
cargo bench --quiet --package lockstep --bench connections -- --nocapture | awk '
    /^connections::/ { split($1, path, "::"); name = path[3]; beside = $2 ~ /^few:/ ? "few" : "many" }
    $1 == "Instructions:" { split($2, now, "|"); cost[name, beside] = now[1]; names[name] }
    END {
        for (name in names) {
            ratio = cost[name, "few"] ? cost[name, "many"] / cost[name, "few"] : 0
            printf "%s: %d instructions beside 10 connections, %d beside 10,000: %.3f times as many\n",
                name, cost[name, "few"], cost[name, "many"], ratio
            measured++
            if (ratio == 0 || ratio > 1.2) failed = 1
        }
        exit failed || measured != 2
    }'
