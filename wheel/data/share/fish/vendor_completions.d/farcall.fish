# Print an optspec for argparse to handle cmd's options that are independent of any subcommand.
function __fish_farcall_global_optspecs
    string join \n h/help V/version
end

function __fish_farcall_needs_command
    # Figure out if the current invocation already has a command.
    set -l cmd (commandline -opc)
    set -e cmd[1]
    argparse -s (__fish_farcall_global_optspecs) -- $cmd 2>/dev/null
    or return
    if set -q argv[1]
        # Also print the command, so this can be used to figure out what it is.
        echo $argv[1]
        return 1
    end
    return 0
end

function __fish_farcall_using_subcommand
    set -l cmd (__fish_farcall_needs_command)
    test -z "$cmd"
    and return 1
    contains -- $cmd[1] $argv
end

complete -c farcall -n "__fish_farcall_needs_command" -s h -l help -d 'Print help'
complete -c farcall -n "__fish_farcall_needs_command" -s V -l version -d 'Print version'
complete -c farcall -n "__fish_farcall_needs_command" -f -a "init" -d 'Create a farcall.toml in this folder'
complete -c farcall -n "__fish_farcall_needs_command" -f -a "check" -d 'Validate a farcall.toml and list the tools it offers'
complete -c farcall -n "__fish_farcall_needs_command" -f -a "schema" -d 'Print the JSON Schema of farcall.toml, for editors'
complete -c farcall -n "__fish_farcall_needs_command" -f -a "serve" -d 'Serve what a farcall.toml declares, or any MCP server: serve -- COMMAND'
complete -c farcall -n "__fish_farcall_needs_command" -f -a "deploy" -d 'Generate deployment files: systemd, docker, compose, cloudflared, caddy, nginx'
complete -c farcall -n "__fish_farcall_needs_command" -f -a "handoff" -d 'Print a client\'s configuration for this server, or for one at a URL'
complete -c farcall -n "__fish_farcall_needs_command" -f -a "doctor" -d 'Diagnose a server, from its configuration to a client\'s call, and suggest fixes'
complete -c farcall -n "__fish_farcall_needs_command" -f -a "smoke" -d 'Test a server from outside: list, call, drive a job to its file'
complete -c farcall -n "__fish_farcall_needs_command" -f -a "jobs" -d 'Look after jobs: list, show, watch, cancel, retry'
complete -c farcall -n "__fish_farcall_needs_command" -f -a "token" -d 'Manage named callers and their tokens: create, list, revoke, rotate'
complete -c farcall -n "__fish_farcall_needs_command" -f -a "keys" -d 'List and rotate the keys that sign links to files: list, rotate'
complete -c farcall -n "__fish_farcall_needs_command" -f -a "backup" -d 'Copy jobs and files while the server works'
complete -c farcall -n "__fish_farcall_needs_command" -f -a "completions" -d 'Print a shell completion script'
complete -c farcall -n "__fish_farcall_needs_command" -f -a "healthcheck" -d 'Check whether the server on this machine or in this container is alive'
complete -c farcall -n "__fish_farcall_using_subcommand init" -l from -d 'Mount the servers of an `mcpServers` block, as Claude Desktop and others keep it' -r -F
complete -c farcall -n "__fish_farcall_using_subcommand init" -l force -d 'Replace a farcall.toml that is there'
complete -c farcall -n "__fish_farcall_using_subcommand init" -s h -l help -d 'Print help'
complete -c farcall -n "__fish_farcall_using_subcommand check" -l json -d 'Print one JSON object instead of lines'
complete -c farcall -n "__fish_farcall_using_subcommand check" -s h -l help -d 'Print help'
complete -c farcall -n "__fish_farcall_using_subcommand schema" -s h -l help -d 'Print help'
complete -c farcall -n "__fish_farcall_using_subcommand serve" -l config -d 'The file that says what to serve' -r -F
complete -c farcall -n "__fish_farcall_using_subcommand serve" -l host -d 'Address to bind [env: MCP_HOST] [default: 127.0.0.1]' -r
complete -c farcall -n "__fish_farcall_using_subcommand serve" -l port -d 'Port to bind; 0 lets the system choose [env: MCP_PORT] [default: 8900]' -r
complete -c farcall -n "__fish_farcall_using_subcommand serve" -l data-dir -d 'Folder of the job store and of the files [env: FARCALL_DATA_DIR] [default: .farcall]' -r
complete -c farcall -n "__fish_farcall_using_subcommand serve" -l role -d 'What this process does: all, api or worker [env: FARCALL_ROLE] [default: all]' -r
complete -c farcall -n "__fish_farcall_using_subcommand serve" -l sandbox -d 'How that program is sandboxed [default: default, and off for npx, uvx and the like]' -r -f -a "default\t''
required\t''
bwrap\t''
off\t''"
complete -c farcall -n "__fish_farcall_using_subcommand serve" -l stdio -d 'Serve one client on standard input and output'
complete -c farcall -n "__fish_farcall_using_subcommand serve" -s h -l help -d 'Print help'
complete -c farcall -n "__fish_farcall_using_subcommand deploy; and not __fish_seen_subcommand_from systemd docker compose cloudflared caddy nginx" -l config -d 'The file that says what is served' -r -F
complete -c farcall -n "__fish_farcall_using_subcommand deploy; and not __fish_seen_subcommand_from systemd docker compose cloudflared caddy nginx" -l out -d 'Folder to write into, instead of this one' -r -F
complete -c farcall -n "__fish_farcall_using_subcommand deploy; and not __fish_seen_subcommand_from systemd docker compose cloudflared caddy nginx" -l force -d 'Replace files that are there'
complete -c farcall -n "__fish_farcall_using_subcommand deploy; and not __fish_seen_subcommand_from systemd docker compose cloudflared caddy nginx" -l print -d 'Print the files, and write nothing'
complete -c farcall -n "__fish_farcall_using_subcommand deploy; and not __fish_seen_subcommand_from systemd docker compose cloudflared caddy nginx" -s h -l help -d 'Print help'
complete -c farcall -n "__fish_farcall_using_subcommand deploy; and not __fish_seen_subcommand_from systemd docker compose cloudflared caddy nginx" -f -a "systemd" -d 'User services for the server and its Cloudflare Tunnel: deploy/NAME.service, deploy/cloudflared-NAME.service'
complete -c farcall -n "__fish_farcall_using_subcommand deploy; and not __fish_seen_subcommand_from systemd docker compose cloudflared caddy nginx" -f -a "docker" -d 'An image: Dockerfile, .dockerignore; in a workspace Dockerfile.dockerignore too'
complete -c farcall -n "__fish_farcall_using_subcommand deploy; and not __fish_seen_subcommand_from systemd docker compose cloudflared caddy nginx" -f -a "compose" -d 'Containers: docker-compose.yml; with --replicas, several of them with PostgreSQL and an S3 store'
complete -c farcall -n "__fish_farcall_using_subcommand deploy; and not __fish_seen_subcommand_from systemd docker compose cloudflared caddy nginx" -f -a "cloudflared" -d 'The configuration of a Cloudflare Tunnel: deploy/cloudflared.config.yml, or without --tunnel deploy/cloudflared.config.example.yml, to be filled in'
complete -c farcall -n "__fish_farcall_using_subcommand deploy; and not __fish_seen_subcommand_from systemd docker compose cloudflared caddy nginx" -f -a "caddy" -d 'Caddy in front of the server: deploy/Caddyfile'
complete -c farcall -n "__fish_farcall_using_subcommand deploy; and not __fish_seen_subcommand_from systemd docker compose cloudflared caddy nginx" -f -a "nginx" -d 'nginx in front of the server: deploy/nginx.conf'
complete -c farcall -n "__fish_farcall_using_subcommand deploy; and __fish_seen_subcommand_from systemd" -l config -d 'The file that says what is served' -r -F
complete -c farcall -n "__fish_farcall_using_subcommand deploy; and __fish_seen_subcommand_from systemd" -l out -d 'Folder to write into, instead of this one' -r -F
complete -c farcall -n "__fish_farcall_using_subcommand deploy; and __fish_seen_subcommand_from systemd" -l force -d 'Replace files that are there'
complete -c farcall -n "__fish_farcall_using_subcommand deploy; and __fish_seen_subcommand_from systemd" -l print -d 'Print the files, and write nothing'
complete -c farcall -n "__fish_farcall_using_subcommand deploy; and __fish_seen_subcommand_from systemd" -s h -l help -d 'Print help'
complete -c farcall -n "__fish_farcall_using_subcommand deploy; and __fish_seen_subcommand_from docker" -l config -d 'The file that says what is served' -r -F
complete -c farcall -n "__fish_farcall_using_subcommand deploy; and __fish_seen_subcommand_from docker" -l out -d 'Folder to write into, instead of this one' -r -F
complete -c farcall -n "__fish_farcall_using_subcommand deploy; and __fish_seen_subcommand_from docker" -l force -d 'Replace files that are there'
complete -c farcall -n "__fish_farcall_using_subcommand deploy; and __fish_seen_subcommand_from docker" -l print -d 'Print the files, and write nothing'
complete -c farcall -n "__fish_farcall_using_subcommand deploy; and __fish_seen_subcommand_from docker" -s h -l help -d 'Print help'
complete -c farcall -n "__fish_farcall_using_subcommand deploy; and __fish_seen_subcommand_from compose" -l replicas -d 'Number of servers that answer callers, with PostgreSQL, an S3 store and workers: docker-compose.replicas.yml' -r
complete -c farcall -n "__fish_farcall_using_subcommand deploy; and __fish_seen_subcommand_from compose" -l workers -d 'Number of servers that run jobs [default: 2]' -r
complete -c farcall -n "__fish_farcall_using_subcommand deploy; and __fish_seen_subcommand_from compose" -l config -d 'The file that says what is served' -r -F
complete -c farcall -n "__fish_farcall_using_subcommand deploy; and __fish_seen_subcommand_from compose" -l out -d 'Folder to write into, instead of this one' -r -F
complete -c farcall -n "__fish_farcall_using_subcommand deploy; and __fish_seen_subcommand_from compose" -l force -d 'Replace files that are there'
complete -c farcall -n "__fish_farcall_using_subcommand deploy; and __fish_seen_subcommand_from compose" -l print -d 'Print the files, and write nothing'
complete -c farcall -n "__fish_farcall_using_subcommand deploy; and __fish_seen_subcommand_from compose" -s h -l help -d 'Print help'
complete -c farcall -n "__fish_farcall_using_subcommand deploy; and __fish_seen_subcommand_from cloudflared" -l zone -d 'Domain of your Cloudflare account under which the server is reached, such as example.com' -r
complete -c farcall -n "__fish_farcall_using_subcommand deploy; and __fish_seen_subcommand_from cloudflared" -l tunnel -d 'Id of the tunnel, as `cloudflared tunnel create` prints it [default: a placeholder, to be filled in]' -r
complete -c farcall -n "__fish_farcall_using_subcommand deploy; and __fish_seen_subcommand_from cloudflared" -l config -d 'The file that says what is served' -r -F
complete -c farcall -n "__fish_farcall_using_subcommand deploy; and __fish_seen_subcommand_from cloudflared" -l out -d 'Folder to write into, instead of this one' -r -F
complete -c farcall -n "__fish_farcall_using_subcommand deploy; and __fish_seen_subcommand_from cloudflared" -l advanced-certificate -d 'The zone has Advanced Certificate Manager or Total TLS, which cover deeper names'
complete -c farcall -n "__fish_farcall_using_subcommand deploy; and __fish_seen_subcommand_from cloudflared" -l force -d 'Replace files that are there'
complete -c farcall -n "__fish_farcall_using_subcommand deploy; and __fish_seen_subcommand_from cloudflared" -l print -d 'Print the files, and write nothing'
complete -c farcall -n "__fish_farcall_using_subcommand deploy; and __fish_seen_subcommand_from cloudflared" -s h -l help -d 'Print help'
complete -c farcall -n "__fish_farcall_using_subcommand deploy; and __fish_seen_subcommand_from caddy" -l certificate -d 'Certificate with its chain, PEM [default: Caddy fetches one; nginx takes certbot\'s]' -r -F
complete -c farcall -n "__fish_farcall_using_subcommand deploy; and __fish_seen_subcommand_from caddy" -l key -d 'Private key of the certificate, PEM' -r -F
complete -c farcall -n "__fish_farcall_using_subcommand deploy; and __fish_seen_subcommand_from caddy" -l config -d 'The file that says what is served' -r -F
complete -c farcall -n "__fish_farcall_using_subcommand deploy; and __fish_seen_subcommand_from caddy" -l out -d 'Folder to write into, instead of this one' -r -F
complete -c farcall -n "__fish_farcall_using_subcommand deploy; and __fish_seen_subcommand_from caddy" -l force -d 'Replace files that are there'
complete -c farcall -n "__fish_farcall_using_subcommand deploy; and __fish_seen_subcommand_from caddy" -l print -d 'Print the files, and write nothing'
complete -c farcall -n "__fish_farcall_using_subcommand deploy; and __fish_seen_subcommand_from caddy" -s h -l help -d 'Print help'
complete -c farcall -n "__fish_farcall_using_subcommand deploy; and __fish_seen_subcommand_from nginx" -l certificate -d 'Certificate with its chain, PEM [default: Caddy fetches one; nginx takes certbot\'s]' -r -F
complete -c farcall -n "__fish_farcall_using_subcommand deploy; and __fish_seen_subcommand_from nginx" -l key -d 'Private key of the certificate, PEM' -r -F
complete -c farcall -n "__fish_farcall_using_subcommand deploy; and __fish_seen_subcommand_from nginx" -l config -d 'The file that says what is served' -r -F
complete -c farcall -n "__fish_farcall_using_subcommand deploy; and __fish_seen_subcommand_from nginx" -l out -d 'Folder to write into, instead of this one' -r -F
complete -c farcall -n "__fish_farcall_using_subcommand deploy; and __fish_seen_subcommand_from nginx" -l force -d 'Replace files that are there'
complete -c farcall -n "__fish_farcall_using_subcommand deploy; and __fish_seen_subcommand_from nginx" -l print -d 'Print the files, and write nothing'
complete -c farcall -n "__fish_farcall_using_subcommand deploy; and __fish_seen_subcommand_from nginx" -s h -l help -d 'Print help'
complete -c farcall -n "__fish_farcall_using_subcommand handoff" -l config -d 'The file that says what is served' -r -F
complete -c farcall -n "__fish_farcall_using_subcommand handoff" -l client -d 'Client to print the configuration for' -r -f -a "default\t''
claude-code\t''
claude-desktop\t''
cline\t''
codex\t''
cursor\t''
gemini-cli\t''
goose\t''
mcporter\t''
nanobot\t''
opencode\t''
qwen-code\t''
roo\t''
vscode\t''
windsurf\t''
zed\t''"
complete -c farcall -n "__fish_farcall_using_subcommand handoff" -l auth -d 'What callers send, if the configuration cannot say it' -r -f -a "bearer\t'A token, as `Authorization: Bearer …`'
cloudflare\t'The two headers of a service token of Cloudflare Access'
oauth\t'What the client gets from an authorization server'
none\t'Nothing'"
complete -c farcall -n "__fish_farcall_using_subcommand handoff" -l header -d 'Header to send with every request to the URL; can be given several times' -r
complete -c farcall -n "__fish_farcall_using_subcommand handoff" -l sheet -d 'Print a sheet that goes with the configuration: tools, jobs, how to send the secret'
complete -c farcall -n "__fish_farcall_using_subcommand handoff" -l json -d 'Print one JSON object with all of it'
complete -c farcall -n "__fish_farcall_using_subcommand handoff" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c farcall -n "__fish_farcall_using_subcommand doctor" -l config -d 'The file that says what is served' -r -F
complete -c farcall -n "__fish_farcall_using_subcommand doctor" -l only -d 'Check only one part: this machine, or the path to the URL' -r -f -a "machine\t'The configuration, the data and the server of this machine'
url\t'What a client meets on its way to the URL'"
complete -c farcall -n "__fish_farcall_using_subcommand doctor" -l registration -d 'Client configuration to check, as `handoff` prints it (JSON, or TOML for Codex); `-` reads standard input' -r -F
complete -c farcall -n "__fish_farcall_using_subcommand doctor" -l message -d 'Explain an error message instead of running checks; `-` reads it from standard input' -r
complete -c farcall -n "__fish_farcall_using_subcommand doctor" -l tool -d 'Tool to call, or job to drive, instead of `add` and the first job' -r
complete -c farcall -n "__fish_farcall_using_subcommand doctor" -l args -d 'Arguments of that tool or job, a JSON object [default: {}]' -r
complete -c farcall -n "__fish_farcall_using_subcommand doctor" -l header -d 'Header to send with every request, with ${VARIABLE} for what is secret; can be given several times' -r
complete -c farcall -n "__fish_farcall_using_subcommand doctor" -l idle -d 'Seconds to watch a quiet stream for, 1 to 300; without it, that is not verified' -r
complete -c farcall -n "__fish_farcall_using_subcommand doctor" -l timeout -d 'Seconds that a job, and fetching its file, may take, 1 to 86400' -r
complete -c farcall -n "__fish_farcall_using_subcommand doctor" -l json -d 'Print one JSON object instead of lines'
complete -c farcall -n "__fish_farcall_using_subcommand doctor" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c farcall -n "__fish_farcall_using_subcommand smoke" -l tool -d 'Tool to call, or job to drive, instead of `add` and the first job' -r
complete -c farcall -n "__fish_farcall_using_subcommand smoke" -l args -d 'Arguments of that tool or job, a JSON object [default: {}]' -r
complete -c farcall -n "__fish_farcall_using_subcommand smoke" -l header -d 'Header to send with every request; can be given several times' -r
complete -c farcall -n "__fish_farcall_using_subcommand smoke" -l wire -d 'Version of the protocol to speak' -r -f -a "both\t'2026-07-28, then 2025-11-25'
2026-07-28\t'Every request stands for itself'
2025-11-25\t'Requests follow a handshake'"
complete -c farcall -n "__fish_farcall_using_subcommand smoke" -l timeout -d 'Seconds that a job may take' -r
complete -c farcall -n "__fish_farcall_using_subcommand smoke" -l json -d 'Print one JSON object instead of lines'
complete -c farcall -n "__fish_farcall_using_subcommand smoke" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c farcall -n "__fish_farcall_using_subcommand jobs; and not __fish_seen_subcommand_from list show watch cancel retry" -l data-dir -d 'Data folder of the server [env: FARCALL_DATA_DIR] [default: .farcall]' -r
complete -c farcall -n "__fish_farcall_using_subcommand jobs; and not __fish_seen_subcommand_from list show watch cancel retry" -l server -d 'URL of a server to ask, instead of reading its data' -r
complete -c farcall -n "__fish_farcall_using_subcommand jobs; and not __fish_seen_subcommand_from list show watch cancel retry" -l header -d 'Header to send with every request to the server; can be given several times' -r
complete -c farcall -n "__fish_farcall_using_subcommand jobs; and not __fish_seen_subcommand_from list show watch cancel retry" -s h -l help -d 'Print help'
complete -c farcall -n "__fish_farcall_using_subcommand jobs; and not __fish_seen_subcommand_from list show watch cancel retry" -f -a "list" -d 'List jobs, newest first'
complete -c farcall -n "__fish_farcall_using_subcommand jobs; and not __fish_seen_subcommand_from list show watch cancel retry" -f -a "show" -d 'Show everything about a job'
complete -c farcall -n "__fish_farcall_using_subcommand jobs; and not __fish_seen_subcommand_from list show watch cancel retry" -f -a "watch" -d 'Follow jobs until they are over'
complete -c farcall -n "__fish_farcall_using_subcommand jobs; and not __fish_seen_subcommand_from list show watch cancel retry" -f -a "cancel" -d 'Cancel jobs'
complete -c farcall -n "__fish_farcall_using_subcommand jobs; and not __fish_seen_subcommand_from list show watch cancel retry" -f -a "retry" -d 'Start a failed job again, as a new one'
complete -c farcall -n "__fish_farcall_using_subcommand jobs; and __fish_seen_subcommand_from list" -l state -d 'Only jobs in this state' -r -f -a "queued\t''
running\t''
succeeded\t''
failed\t''"
complete -c farcall -n "__fish_farcall_using_subcommand jobs; and __fish_seen_subcommand_from list" -l job -d 'Only jobs of this kind' -r
complete -c farcall -n "__fish_farcall_using_subcommand jobs; and __fish_seen_subcommand_from list" -l owner -d 'Only jobs of this caller' -r
complete -c farcall -n "__fish_farcall_using_subcommand jobs; and __fish_seen_subcommand_from list" -l limit -d 'How many to list at most' -r
complete -c farcall -n "__fish_farcall_using_subcommand jobs; and __fish_seen_subcommand_from list" -l data-dir -d 'Data folder of the server [env: FARCALL_DATA_DIR] [default: .farcall]' -r
complete -c farcall -n "__fish_farcall_using_subcommand jobs; and __fish_seen_subcommand_from list" -l server -d 'URL of a server to ask, instead of reading its data' -r
complete -c farcall -n "__fish_farcall_using_subcommand jobs; and __fish_seen_subcommand_from list" -l header -d 'Header to send with every request to the server; can be given several times' -r
complete -c farcall -n "__fish_farcall_using_subcommand jobs; and __fish_seen_subcommand_from list" -l json -d 'Print one JSON object: {"jobs": [...], "more": false}'
complete -c farcall -n "__fish_farcall_using_subcommand jobs; and __fish_seen_subcommand_from list" -s h -l help -d 'Print help'
complete -c farcall -n "__fish_farcall_using_subcommand jobs; and __fish_seen_subcommand_from show" -l log -d 'How many lines of its log to show, the last ones' -r
complete -c farcall -n "__fish_farcall_using_subcommand jobs; and __fish_seen_subcommand_from show" -l data-dir -d 'Data folder of the server [env: FARCALL_DATA_DIR] [default: .farcall]' -r
complete -c farcall -n "__fish_farcall_using_subcommand jobs; and __fish_seen_subcommand_from show" -l server -d 'URL of a server to ask, instead of reading its data' -r
complete -c farcall -n "__fish_farcall_using_subcommand jobs; and __fish_seen_subcommand_from show" -l header -d 'Header to send with every request to the server; can be given several times' -r
complete -c farcall -n "__fish_farcall_using_subcommand jobs; and __fish_seen_subcommand_from show" -l json -d 'Print one JSON object'
complete -c farcall -n "__fish_farcall_using_subcommand jobs; and __fish_seen_subcommand_from show" -s h -l help -d 'Print help'
complete -c farcall -n "__fish_farcall_using_subcommand jobs; and __fish_seen_subcommand_from watch" -l data-dir -d 'Data folder of the server [env: FARCALL_DATA_DIR] [default: .farcall]' -r
complete -c farcall -n "__fish_farcall_using_subcommand jobs; and __fish_seen_subcommand_from watch" -l server -d 'URL of a server to ask, instead of reading its data' -r
complete -c farcall -n "__fish_farcall_using_subcommand jobs; and __fish_seen_subcommand_from watch" -l header -d 'Header to send with every request to the server; can be given several times' -r
complete -c farcall -n "__fish_farcall_using_subcommand jobs; and __fish_seen_subcommand_from watch" -l json -d 'Print one JSON object for each change'
complete -c farcall -n "__fish_farcall_using_subcommand jobs; and __fish_seen_subcommand_from watch" -s h -l help -d 'Print help'
complete -c farcall -n "__fish_farcall_using_subcommand jobs; and __fish_seen_subcommand_from cancel" -l data-dir -d 'Data folder of the server [env: FARCALL_DATA_DIR] [default: .farcall]' -r
complete -c farcall -n "__fish_farcall_using_subcommand jobs; and __fish_seen_subcommand_from cancel" -l server -d 'URL of a server to ask, instead of reading its data' -r
complete -c farcall -n "__fish_farcall_using_subcommand jobs; and __fish_seen_subcommand_from cancel" -l header -d 'Header to send with every request to the server; can be given several times' -r
complete -c farcall -n "__fish_farcall_using_subcommand jobs; and __fish_seen_subcommand_from cancel" -l json -d 'Print one JSON object: {"jobs": [{"was": "queued", ...}]}'
complete -c farcall -n "__fish_farcall_using_subcommand jobs; and __fish_seen_subcommand_from cancel" -s h -l help -d 'Print help'
complete -c farcall -n "__fish_farcall_using_subcommand jobs; and __fish_seen_subcommand_from retry" -l data-dir -d 'Data folder of the server [env: FARCALL_DATA_DIR] [default: .farcall]' -r
complete -c farcall -n "__fish_farcall_using_subcommand jobs; and __fish_seen_subcommand_from retry" -l server -d 'URL of a server to ask, instead of reading its data' -r
complete -c farcall -n "__fish_farcall_using_subcommand jobs; and __fish_seen_subcommand_from retry" -l header -d 'Header to send with every request to the server; can be given several times' -r
complete -c farcall -n "__fish_farcall_using_subcommand jobs; and __fish_seen_subcommand_from retry" -l json -d 'Print one JSON object: the new job, and the failed one as "retry_of"'
complete -c farcall -n "__fish_farcall_using_subcommand jobs; and __fish_seen_subcommand_from retry" -s h -l help -d 'Print help'
complete -c farcall -n "__fish_farcall_using_subcommand token; and not __fish_seen_subcommand_from create list revoke rotate" -l data-dir -d 'Data folder of the server [env: FARCALL_DATA_DIR] [default: .farcall]' -r
complete -c farcall -n "__fish_farcall_using_subcommand token; and not __fish_seen_subcommand_from create list revoke rotate" -s h -l help -d 'Print help'
complete -c farcall -n "__fish_farcall_using_subcommand token; and not __fish_seen_subcommand_from create list revoke rotate" -f -a "create" -d 'Create a caller, and print its token'
complete -c farcall -n "__fish_farcall_using_subcommand token; and not __fish_seen_subcommand_from create list revoke rotate" -f -a "list" -d 'List callers and their tokens'
complete -c farcall -n "__fish_farcall_using_subcommand token; and not __fish_seen_subcommand_from create list revoke rotate" -f -a "revoke" -d 'Revoke a token, or all tokens of a caller'
complete -c farcall -n "__fish_farcall_using_subcommand token; and not __fish_seen_subcommand_from create list revoke rotate" -f -a "rotate" -d 'Print a new token for a caller; the previous ones end after a while'
complete -c farcall -n "__fish_farcall_using_subcommand token; and __fish_seen_subcommand_from create" -l tools -d 'Only these tools: names, or the beginning of names and `*` [default: all tools]' -r
complete -c farcall -n "__fish_farcall_using_subcommand token; and __fish_seen_subcommand_from create" -l scopes -d 'What it may do: call, admin' -r
complete -c farcall -n "__fish_farcall_using_subcommand token; and __fish_seen_subcommand_from create" -l expires -d 'How long its token is good, for example 90d [default: until it is revoked]' -r
complete -c farcall -n "__fish_farcall_using_subcommand token; and __fish_seen_subcommand_from create" -l max-jobs -d 'How many of its jobs may wait or run at any moment [default: no limit]' -r
complete -c farcall -n "__fish_farcall_using_subcommand token; and __fish_seen_subcommand_from create" -l data-dir -d 'Data folder of the server [env: FARCALL_DATA_DIR] [default: .farcall]' -r
complete -c farcall -n "__fish_farcall_using_subcommand token; and __fish_seen_subcommand_from create" -l json -d 'Print one JSON object: {"name": "ci", "id": "...", "token": "..."}'
complete -c farcall -n "__fish_farcall_using_subcommand token; and __fish_seen_subcommand_from create" -s h -l help -d 'Print help'
complete -c farcall -n "__fish_farcall_using_subcommand token; and __fish_seen_subcommand_from list" -l data-dir -d 'Data folder of the server [env: FARCALL_DATA_DIR] [default: .farcall]' -r
complete -c farcall -n "__fish_farcall_using_subcommand token; and __fish_seen_subcommand_from list" -l json -d 'Print one JSON object: {"callers": [{"name": "ci", "tokens": [...]}]}'
complete -c farcall -n "__fish_farcall_using_subcommand token; and __fish_seen_subcommand_from list" -s h -l help -d 'Print help'
complete -c farcall -n "__fish_farcall_using_subcommand token; and __fish_seen_subcommand_from revoke" -l data-dir -d 'Data folder of the server [env: FARCALL_DATA_DIR] [default: .farcall]' -r
complete -c farcall -n "__fish_farcall_using_subcommand token; and __fish_seen_subcommand_from revoke" -l json -d 'Print one JSON object: {"revoked": [{"name": "ci", "id": "..."}]}'
complete -c farcall -n "__fish_farcall_using_subcommand token; and __fish_seen_subcommand_from revoke" -s h -l help -d 'Print help'
complete -c farcall -n "__fish_farcall_using_subcommand token; and __fish_seen_subcommand_from rotate" -l overlap -d 'How long its current tokens stay valid; 0s ends them at once' -r
complete -c farcall -n "__fish_farcall_using_subcommand token; and __fish_seen_subcommand_from rotate" -l expires -d 'How long the new token is good, for example 90d [default: until it is revoked]' -r
complete -c farcall -n "__fish_farcall_using_subcommand token; and __fish_seen_subcommand_from rotate" -l data-dir -d 'Data folder of the server [env: FARCALL_DATA_DIR] [default: .farcall]' -r
complete -c farcall -n "__fish_farcall_using_subcommand token; and __fish_seen_subcommand_from rotate" -l json -d 'Print one JSON object: {"name": "ci", "id": "...", "token": "..."}'
complete -c farcall -n "__fish_farcall_using_subcommand token; and __fish_seen_subcommand_from rotate" -s h -l help -d 'Print help'
complete -c farcall -n "__fish_farcall_using_subcommand keys; and not __fish_seen_subcommand_from list rotate" -l data-dir -d 'Data folder of the server [env: FARCALL_DATA_DIR] [default: .farcall]' -r
complete -c farcall -n "__fish_farcall_using_subcommand keys; and not __fish_seen_subcommand_from list rotate" -s h -l help -d 'Print help'
complete -c farcall -n "__fish_farcall_using_subcommand keys; and not __fish_seen_subcommand_from list rotate" -f -a "list" -d 'List the keys: what they are called, which of them signs, how old they are'
complete -c farcall -n "__fish_farcall_using_subcommand keys; and not __fish_seen_subcommand_from list rotate" -f -a "rotate" -d 'Make a new key for each purpose; the previous ones are accepted until the next rotation'
complete -c farcall -n "__fish_farcall_using_subcommand keys; and __fish_seen_subcommand_from list" -l data-dir -d 'Data folder of the server [env: FARCALL_DATA_DIR] [default: .farcall]' -r
complete -c farcall -n "__fish_farcall_using_subcommand keys; and __fish_seen_subcommand_from list" -l json -d 'Print one JSON object: {"keys": [{"purpose": "links", "id": "...", "state": "signs"}]}'
complete -c farcall -n "__fish_farcall_using_subcommand keys; and __fish_seen_subcommand_from list" -s h -l help -d 'Print help'
complete -c farcall -n "__fish_farcall_using_subcommand keys; and __fish_seen_subcommand_from rotate" -l data-dir -d 'Data folder of the server [env: FARCALL_DATA_DIR] [default: .farcall]' -r
complete -c farcall -n "__fish_farcall_using_subcommand keys; and __fish_seen_subcommand_from rotate" -l now -d 'End the keys before at once, and what they have signed: where one was stolen'
complete -c farcall -n "__fish_farcall_using_subcommand keys; and __fish_seen_subcommand_from rotate" -l json -d 'Print one JSON object: {"keys": [{"purpose": "links", "id": "...", "state": "next"}]}'
complete -c farcall -n "__fish_farcall_using_subcommand keys; and __fish_seen_subcommand_from rotate" -s h -l help -d 'Print help'
complete -c farcall -n "__fish_farcall_using_subcommand backup" -l to -d 'Folder to make, for example /backups/2026-11-28; it must not be there yet' -r -F
complete -c farcall -n "__fish_farcall_using_subcommand backup" -l data-dir -d 'Data folder of the server [env: FARCALL_DATA_DIR] [default: .farcall]' -r
complete -c farcall -n "__fish_farcall_using_subcommand backup" -l leave-out-damaged -d 'Leave out files that are damaged or lost, and say which; without it they end the backup'
complete -c farcall -n "__fish_farcall_using_subcommand backup" -l json -d 'Print one JSON object'
complete -c farcall -n "__fish_farcall_using_subcommand backup" -s h -l help -d 'Print help'
complete -c farcall -n "__fish_farcall_using_subcommand completions" -s h -l help -d 'Print help'
complete -c farcall -n "__fish_farcall_using_subcommand healthcheck" -l host -d 'Address of the server [env: MCP_HOST] [default: 127.0.0.1]' -r
complete -c farcall -n "__fish_farcall_using_subcommand healthcheck" -l port -d 'Port of the server [env: MCP_PORT] [default: 8900]' -r
complete -c farcall -n "__fish_farcall_using_subcommand healthcheck" -l timeout -d 'Seconds that it may take, 1 to 60' -r
complete -c farcall -n "__fish_farcall_using_subcommand healthcheck" -s h -l help -d 'Print help'
