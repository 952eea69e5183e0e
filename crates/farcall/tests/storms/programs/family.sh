# Has a child with a child, a daemon in a session of its own that is deaf to TERM, and says so.
# `stay` stays, also when it is told to end; `go SECONDS` ends after a while and leaves them behind.
(sleep 600 & wait) &
setsid sh -c 'trap "" TERM; sleep 600 & wait; wait' &
if [ "$1" = stay ]; then
    trap '' TERM
    [ -z "$OUT" ] || echo "$2" >> "$OUT/up"
    wait
else
    sleep "$2"
fi
