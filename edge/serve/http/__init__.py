"""What every request passes: connections, TLS, login, access, uploads, errors.

proxies                   what a proxy says of the client
door, connection, tls     the listening socket; one connection; its encryption
quotas, slow_readers      how much may be open at once; clients that don't read their answers
work                      what machines may take of the processor
auth, access              who sent a request; whether that caller may call the route
route                     one line of the table of routes
inputs, uploads           parameters and forms; files
file_types, pictures      what kind of file the first bytes say it is; answering with a kept picture
audit                     who viewed what
problems, refusals        errors as answers; refused requests in the log
security_headers          headers of every answer
"""
