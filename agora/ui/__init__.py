"""Pages of the ledger, served live on this machine: `agora ui`.

    serving.py     a socket on 127.0.0.1, and a server that ends cleanly
    guard.py       who may ask, and for what: token, host, origin, method, headers
    app.py         the addresses, and what answers them
    pages.py       the pages: runs, one run, figures over many runs
    live.py        new events while a run goes on (server-sent events), read from the ledger in a bounded way
    live.js        what shows them

It only reads, and only the ledger: no address changes anything, and no file of a workspace is ever served. Starlette
and uvicorn (extra `ui`) stand here and nowhere else, and are imported when the command is called.
"""
