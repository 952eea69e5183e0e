# A server with three jobs, one of them cancelled, one running, one that waits: what somebody who looks after it sees.
cp "$REPOSITORY"/acceptance/tests/pages/press/* "$REPOSITORY"/python/farcall.py .
FARCALL_CONCURRENCY=1 farcall serve >served.log 2>&1 &

until curl -sf "http://127.0.0.1:$MCP_PORT/healthz"; do sleep 0.1; done

start() {
  curl -sf "http://127.0.0.1:$MCP_PORT/mcp" -H 'Content-Type: application/json' \
    -d '{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"start_render","arguments":{}}}'
}
shows() { farcall jobs list | grep -q "$1"; }

start
until shows 'running .*rendering frames'; do sleep 0.1; done
farcall jobs cancel "$(farcall jobs list --json | python3 -c 'import json, sys; print(json.load(sys.stdin)["jobs"][0]["job_id"])')"
until shows 'failed'; do sleep 0.1; done
start
until shows 'running .*rendering frames'; do sleep 0.1; done
start
