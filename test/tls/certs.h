/* Certificates and keys for tests, made by make_certs.sh. Their secrets are public. */

static const char ca_pem[] __attribute__((unused)) =
    "-----BEGIN CERTIFICATE-----\n"
    "MIIBiDCCAS6gAwIBAgIUOyT3huo6ZvURgUDniN8yfbgndEIwCgYIKoZIzj0EAwIw\n"
    "ITESMBAGA1UECgwJYXdsIHRlc3RzMQswCQYDVQQDDAJjYTAgFw0yNjExMjExNzM0\n"
    "NDNaGA8yMTI2MTAyODE3MzQ0M1owITESMBAGA1UECgwJYXdsIHRlc3RzMQswCQYD\n"
    "VQQDDAJjYTBZMBMGByqGSM49AgEGCCqGSM49AwEHA0IABHV+jSWSKISKW3mwQMkN\n"
    "d/SQYxJo103P5AxAOAJL1YjMsL+zGM9a38i2NpOo47XQWtBIMNblw/HYmS/K6OJQ\n"
    "MAajQjBAMA8GA1UdEwEB/wQFMAMBAf8wDgYDVR0PAQH/BAQDAgEGMB0GA1UdDgQW\n"
    "BBT+oKozeyBsQcztwXGC0XJgE8U3vDAKBggqhkjOPQQDAgNIADBFAiAWwL5G7Lw4\n"
    "Z5g0MDhH+/vUZpiv5pejfljwTDQRr6xISAIhAOjhklax1DlQdMDAJ8ZJYQjDROu+\n"
    "3jXVdWoNPSya61Dy\n"
    "-----END CERTIFICATE-----\n";

static const char client_ec_pem[] __attribute__((unused)) =
    "-----BEGIN CERTIFICATE-----\n"
    "MIIBtzCCAV2gAwIBAgIIARByCk+vs/IwCgYIKoZIzj0EAwIwITESMBAGA1UECgwJ\n"
    "YXdsIHRlc3RzMQswCQYDVQQDDAJjYTAgFw0yNjExMjExNzM0NDRaGA8yMTI2MTAy\n"
    "ODE3MzQ0NFowKDESMBAGA1UECgwJYXdsIHRlc3RzMRIwEAYDVQQDDAljbGllbnRf\n"
    "ZWMwWTATBgcqhkjOPQIBBggqhkjOPQMBBwNCAAQXq9iQMtaYjxUB6Ifw0KQAgrXS\n"
    "NDgh+mDCPUSGH30SfMJgKdapp4ItbU1SIMNG9CmUFCunYrkFPPrzy4t9iqkGo3Yw\n"
    "dDAdBgNVHREEFjAUghJjbGllbnQuZXhhbXBsZS5vcmcwEwYDVR0lBAwwCgYIKwYB\n"
    "BQUHAwIwHQYDVR0OBBYEFHI7dnGO3oqOnSjLl2SFnSKIFH88MB8GA1UdIwQYMBaA\n"
    "FP6gqjN7IGxBzO3BcYLRcmATxTe8MAoGCCqGSM49BAMCA0gAMEUCIQD8N3Lz3uDJ\n"
    "8WUqtVceU4Qnh9APwynapZqHzcn+JEWDjQIgQ7SlkBQy2AcQB1GARTKA7+xl+6Ab\n"
    "WH+fPar82HtdQKQ=\n"
    "-----END CERTIFICATE-----\n";

static const char client_rsa_pem[] __attribute__((unused)) =
    "-----BEGIN CERTIFICATE-----\n"
    "MIIChDCCAiqgAwIBAgIJAI4Hy5WIScKcMAoGCCqGSM49BAMCMCExEjAQBgNVBAoM\n"
    "CWF3bCB0ZXN0czELMAkGA1UEAwwCY2EwIBcNMjYxMTIxMTczNDQ0WhgPMjEyNjEw\n"
    "MjgxNzM0NDRaMCkxEjAQBgNVBAoMCWF3bCB0ZXN0czETMBEGA1UEAwwKY2xpZW50\n"
    "X3JzYTCCASIwDQYJKoZIhvcNAQEBBQADggEPADCCAQoCggEBAJtH9PUiY4T2UezM\n"
    "aU2sQBqscAN/ljx0Z3lWE44LpkIAnTVC3CyDsmDLVr2V5bYGAPyfJ59HYuyGmbdd\n"
    "AiAGm19BSYvN+7K/50Yi+Rl3rIM24nWrj6ttWCpAofLaoKmHNe+74CI90kh/AcNo\n"
    "DrsPSc3u4lwh86k6l+dzaJ//dDqhfVU3taaO4GGsftGUZZXbbD1HT10vNaidq2bh\n"
    "RlUyJHrjKkH40ZHzrq8nMP4z1bJFbQUS2E51vYtLeuPhD2N4NFG4krbZ8Olu2EWo\n"
    "O45qnQZ+Efzx9jNZWd+ahlmQnWblTdCgBoNiZ4Wmaanph//pR1qxebggYe08kgY/\n"
    "4zfRkSECAwEAAaN2MHQwHQYDVR0RBBYwFIISY2xpZW50LmV4YW1wbGUub3JnMBMG\n"
    "A1UdJQQMMAoGCCsGAQUFBwMCMB0GA1UdDgQWBBRw1IRcIgvg8E4kBylajYOJLHYh\n"
    "5jAfBgNVHSMEGDAWgBT+oKozeyBsQcztwXGC0XJgE8U3vDAKBggqhkjOPQQDAgNI\n"
    "ADBFAiBRo7sVDyTrPM5U0P4FumkfSWAArdlBi5r+4YydFGbn4QIhAIGDOkw/Z4k8\n"
    "2zkXFpx+XAsEzmFsONldrtpzOK69gKgJ\n"
    "-----END CERTIFICATE-----\n";

static const char client_strange_pem[] __attribute__((unused)) =
    "-----BEGIN CERTIFICATE-----\n"
    "MIIBwTCCAWigAwIBAgIIEGHCTPouR08wCgYIKoZIzj0EAwIwJzESMBAGA1UECgwJ\n"
    "YXdsIHRlc3RzMREwDwYDVQQDDAhzdHJhbmdlcjAgFw0yNjExMjExNzM0NDRaGA8y\n"
    "MTI2MTAyODE3MzQ0NFowLTESMBAGA1UECgwJYXdsIHRlc3RzMRcwFQYDVQQDDA5j\n"
    "bGllbnRfc3RyYW5nZTBZMBMGByqGSM49AgEGCCqGSM49AwEHA0IABLUT4D3z8KLQ\n"
    "4LPgfH8uwuzRfaA24hUBAH5WMk4wzj+lzcRiPd4NWY53lBplWk9zvJMOXE80nD/i\n"
    "as8GRymGq+SjdjB0MB0GA1UdEQQWMBSCEmNsaWVudC5leGFtcGxlLm9yZzATBgNV\n"
    "HSUEDDAKBggrBgEFBQcDAjAdBgNVHQ4EFgQUsekYMw2fJ3tUHf3TMezR6NQcjHcw\n"
    "HwYDVR0jBBgwFoAUOM2IpPJs0hMzfpPCWpBZY9398NowCgYIKoZIzj0EAwIDRwAw\n"
    "RAIgVk2L5QLTffc3KcsEp+lVQWc9TzDXexIReHApIgOREGQCIGQ2yCjjP0YaYd2w\n"
    "Oiq+VMYQEZ62nkXBYgM3pSufbxsZ\n"
    "-----END CERTIFICATE-----\n";

static const char deep_pem[] __attribute__((unused)) =
    "-----BEGIN CERTIFICATE-----\n"
    "MIIBszCCAVqgAwIBAgIIQv6l2WP+N2gwCgYIKoZIzj0EAwIwJTESMBAGA1UECgwJ\n"
    "YXdsIHRlc3RzMQ8wDQYDVQQDDAZtaWRkbGUwIBcNMjYxMTIxMTczNDQ0WhgPMjEy\n"
    "NjEwMjgxNzM0NDRaMCMxEjAQBgNVBAoMCWF3bCB0ZXN0czENMAsGA1UEAwwEZGVl\n"
    "cDBZMBMGByqGSM49AgEGCCqGSM49AwEHA0IABOX8P7iWS8CFjbzArVjlkQWT8JAs\n"
    "m4EgYx0PXYgPfMmHjTWsIXzXvJ4XAWHYBjXhUw9Mn+ouYvSfNPWA5h8YXKajdDBy\n"
    "MBsGA1UdEQQUMBKCEGRlZXAuZXhhbXBsZS5vcmcwEwYDVR0lBAwwCgYIKwYBBQUH\n"
    "AwEwHQYDVR0OBBYEFMMz269+R4RGORp0mpxmJ4PK51WpMB8GA1UdIwQYMBaAFEpR\n"
    "4D3yzx+9OLAGCrGaZesJGACmMAoGCCqGSM49BAMCA0cAMEQCIAscd2P5ywLXAyLc\n"
    "s1P+7gzbUDBIBjUwIA6aEV4RcgkRAiAbP5etTJPsoTuelPPFoDfE63WZlznrhBL1\n"
    "CfmQ4tlljQ==\n"
    "-----END CERTIFICATE-----\n";

static const char middle_pem[] __attribute__((unused)) =
    "-----BEGIN CERTIFICATE-----\n"
    "MIIBozCCAUigAwIBAgIJAIR1GinbY0YzMAoGCCqGSM49BAMCMCExEjAQBgNVBAoM\n"
    "CWF3bCB0ZXN0czELMAkGA1UEAwwCY2EwIBcNMjYxMTIxMTczNDQzWhgPMjEyNjEw\n"
    "MjgxNzM0NDNaMCUxEjAQBgNVBAoMCWF3bCB0ZXN0czEPMA0GA1UEAwwGbWlkZGxl\n"
    "MFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAEqlbU5VJF22QhVwjl/Wq5oAeqUFrc\n"
    "Z5MOPJrb+3QDCd3ZwzsSlHP//yNMBiDwbc0jfFNZQZDrXBqDIaY6cBvXMaNjMGEw\n"
    "DwYDVR0TAQH/BAUwAwEB/zAOBgNVHQ8BAf8EBAMCAQYwHQYDVR0OBBYEFEpR4D3y\n"
    "zx+9OLAGCrGaZesJGACmMB8GA1UdIwQYMBaAFP6gqjN7IGxBzO3BcYLRcmATxTe8\n"
    "MAoGCCqGSM49BAMCA0kAMEYCIQCo5702lzQK/fE30SakfqTH3NEZj2bpmwWcXBxe\n"
    "53COHQIhAKpwxgpCQOajuNM0NUvXr5Ao+JgJgeAxVtN+hNGK6ZtH\n"
    "-----END CERTIFICATE-----\n";

static const char other_pem[] __attribute__((unused)) =
    "-----BEGIN CERTIFICATE-----\n"
    "MIIBsjCCAVigAwIBAgIITPl5oVPPKXAwCgYIKoZIzj0EAwIwITESMBAGA1UECgwJ\n"
    "YXdsIHRlc3RzMQswCQYDVQQDDAJjYTAgFw0yNjExMjExNzM0NDRaGA8yMTI2MTAy\n"
    "ODE3MzQ0NFowJDESMBAGA1UECgwJYXdsIHRlc3RzMQ4wDAYDVQQDDAVvdGhlcjBZ\n"
    "MBMGByqGSM49AgEGCCqGSM49AwEHA0IABNECSeQjwwcfkU4lyPxt9otKmGptB7RY\n"
    "v81ocG/euI6DM66az0JlIgcZPxgTffyg49rt3G9HRSlvbJ/b5R5WKQqjdTBzMBwG\n"
    "A1UdEQQVMBOCEW90aGVyLmV4YW1wbGUubmV0MBMGA1UdJQQMMAoGCCsGAQUFBwMB\n"
    "MB0GA1UdDgQWBBQWVA8oqE6s7Bwi9Hvp9g1vRfggBzAfBgNVHSMEGDAWgBT+oKoz\n"
    "eyBsQcztwXGC0XJgE8U3vDAKBggqhkjOPQQDAgNIADBFAiEAwhd54S1mb6FugpC6\n"
    "kH0TOHyPKwRaF7ezHPaREfP4hpACIFwjPPh6YwkSBuA8qyDwYKqBEGUn+LOf0jC0\n"
    "9uirLrIV\n"
    "-----END CERTIFICATE-----\n";

static const char rsa_1024_pem[] __attribute__((unused)) =
    "-----BEGIN CERTIFICATE-----\n"
    "MIICLzCCAdWgAwIBAgIIWU+Sdo1xxukwCgYIKoZIzj0EAwIwITESMBAGA1UECgwJ\n"
    "YXdsIHRlc3RzMQswCQYDVQQDDAJjYTAgFw0yNjExMjExNzM0NDRaGA8yMTI2MTAy\n"
    "ODE3MzQ0NFowJzESMBAGA1UECgwJYXdsIHRlc3RzMREwDwYDVQQDDAhyc2FfMTAy\n"
    "NDCBnzANBgkqhkiG9w0BAQEFAAOBjQAwgYkCgYEA0rc/gr3xxEY3qwfLjVllvfEI\n"
    "wpFyzv+J1Js/m95NkSyxDp8bmpN4PDlHGcsWV4HQ9FYEbTNofr6PIZvKFDRPmoSY\n"
    "q1HrRfFh9W94mabU02QBAp8gFx1Dio9Zw+kyVcx7O+yag3ZqurEfw4Ow6ZZQzTNu\n"
    "rs/u/PpF44P3/iirmwMCAwEAAaOBpzCBpDBNBgNVHREERjBEgglsb2NhbGhvc3SC\n"
    "C2V4YW1wbGUub3JnghIqLndpbGQuZXhhbXBsZS5vcmeHBH8AAAGHEAAAAAAAAAAA\n"
    "AAAAAAAAAAEwEwYDVR0lBAwwCgYIKwYBBQUHAwEwHQYDVR0OBBYEFO89GGQ1NXPg\n"
    "fBhgELlRPsTCiqgUMB8GA1UdIwQYMBaAFP6gqjN7IGxBzO3BcYLRcmATxTe8MAoG\n"
    "CCqGSM49BAMCA0gAMEUCID7JAvfm5R7Du1/uHWznUK5FSNood1QjcCK2HGCmIjsk\n"
    "AiEAyWbD0/H3qbDSwMTR1soJotL9/J2cSQ6Hfx/AY+uIMLc=\n"
    "-----END CERTIFICATE-----\n";

static const char server_ec_pem[] __attribute__((unused)) =
    "-----BEGIN CERTIFICATE-----\n"
    "MIIB6TCCAY+gAwIBAgIIZd7xgOZh6YkwCgYIKoZIzj0EAwIwITESMBAGA1UECgwJ\n"
    "YXdsIHRlc3RzMQswCQYDVQQDDAJjYTAgFw0yNjExMjExNzM0NDNaGA8yMTI2MTAy\n"
    "ODE3MzQ0M1owKDESMBAGA1UECgwJYXdsIHRlc3RzMRIwEAYDVQQDDAlzZXJ2ZXJf\n"
    "ZWMwWTATBgcqhkjOPQIBBggqhkjOPQMBBwNCAAS5n+/kGw9MeRcKFP8G2fK2XCgo\n"
    "iyfVkVcCUrxEdGKGF4sC6JSuh42Xz5Z9T/SJmfPdyMBEjJTjGVL3jtbb4prEo4Gn\n"
    "MIGkME0GA1UdEQRGMESCCWxvY2FsaG9zdIILZXhhbXBsZS5vcmeCEioud2lsZC5l\n"
    "eGFtcGxlLm9yZ4cEfwAAAYcQAAAAAAAAAAAAAAAAAAAAATATBgNVHSUEDDAKBggr\n"
    "BgEFBQcDATAdBgNVHQ4EFgQUWL7QYZLZRgdrINucWh3j+Apfz74wHwYDVR0jBBgw\n"
    "FoAU/qCqM3sgbEHM7cFxgtFyYBPFN7wwCgYIKoZIzj0EAwIDSAAwRQIgBnKi+xGk\n"
    "RCgJ41PVnc4jfFgy5JBMY6AUv7a78xuYCUUCIQDfNofWbgLAbRqef600oF8lofPT\n"
    "6yzr3OysQqHLkdiwEA==\n"
    "-----END CERTIFICATE-----\n";

static const char server_p384_pem[] __attribute__((unused)) =
    "-----BEGIN CERTIFICATE-----\n"
    "MIIB1TCCAXugAwIBAgIJAPsGH5JH7g+aMAoGCCqGSM49BAMCMCExEjAQBgNVBAoM\n"
    "CWF3bCB0ZXN0czELMAkGA1UEAwwCY2EwIBcNMjYxMTIxMTczNDQ0WhgPMjEyNjEw\n"
    "MjgxNzM0NDRaMCoxEjAQBgNVBAoMCWF3bCB0ZXN0czEUMBIGA1UEAwwLc2VydmVy\n"
    "X3AzODQwdjAQBgcqhkjOPQIBBgUrgQQAIgNiAASlG0tHrNI5uC26tL/qjpUf/ZN5\n"
    "/pFW8cXrvJVsxoNUze7fqRIw1aIf0tOk0N5XrDHLbvmu4Mb0nEGkAyUXNDRqCmDl\n"
    "qofnn4OM+LwsUnfS7nC9H+WZytwKvE4BC6ZbAr+jdDByMBsGA1UdEQQUMBKCEHAz\n"
    "ODQuZXhhbXBsZS5vcmcwEwYDVR0lBAwwCgYIKwYBBQUHAwEwHQYDVR0OBBYEFGxN\n"
    "4FaTZ+VkNMz7Y4NcTiskiZrCMB8GA1UdIwQYMBaAFP6gqjN7IGxBzO3BcYLRcmAT\n"
    "xTe8MAoGCCqGSM49BAMCA0gAMEUCIQCKq3NkR0b4ES+8yZSBJFi7BnO72brPdCY2\n"
    "u6ySKVf4KgIgSvLGEpwDDfvK6BfCo6nLazydUx6o6epzvIYrYQT3U7A=\n"
    "-----END CERTIFICATE-----\n";

static const char server_rsa_pem[] __attribute__((unused)) =
    "-----BEGIN CERTIFICATE-----\n"
    "MIICtjCCAlygAwIBAgIJANkrWBhGQgTYMAoGCCqGSM49BAMCMCExEjAQBgNVBAoM\n"
    "CWF3bCB0ZXN0czELMAkGA1UEAwwCY2EwIBcNMjYxMTIxMTczNDQ0WhgPMjEyNjEw\n"
    "MjgxNzM0NDRaMCkxEjAQBgNVBAoMCWF3bCB0ZXN0czETMBEGA1UEAwwKc2VydmVy\n"
    "X3JzYTCCASIwDQYJKoZIhvcNAQEBBQADggEPADCCAQoCggEBALKQdSgr5lqq2Ll2\n"
    "r/jl2zTvwjlUqOAzrY1+AjkG2qDmOUWHhycoXSZJLbL9jo1C46CSJTDUoDpmYn1S\n"
    "0NIeSwECHXfHd54jeHQIC7A1yH8bDklwcXqbTVxbYkLCs8vVogv7dhJli3vg6aJL\n"
    "vJs/d/bxBogAWRLANdNPdYujId1z2xz2tMTpWUsIirlCmaFGP/GBgp/tbnEN1/Tj\n"
    "xg1q4rHVEavRKaWeGnX0ZDc7iLBXq4tyzAU3krw1NRThafmh9LDsQyOhyyt0LC3r\n"
    "bw06DmD9waUqo/0XGkk8vTfcP5C88KHxUhFi52F/5RIU0ibcF7r5nIxj9LN7jvx5\n"
    "BzXZyGcCAwEAAaOBpzCBpDBNBgNVHREERjBEgglsb2NhbGhvc3SCC2V4YW1wbGUu\n"
    "b3JnghIqLndpbGQuZXhhbXBsZS5vcmeHBH8AAAGHEAAAAAAAAAAAAAAAAAAAAAEw\n"
    "EwYDVR0lBAwwCgYIKwYBBQUHAwEwHQYDVR0OBBYEFD/r/dLJ9ZsX0CNBkEaZHmSa\n"
    "L/BZMB8GA1UdIwQYMBaAFP6gqjN7IGxBzO3BcYLRcmATxTe8MAoGCCqGSM49BAMC\n"
    "A0gAMEUCIDtgVXO6YAbCm2MF5vQGQGjEEh9FjzCu8HoonBDtnsvJAiEAiMyAOhnm\n"
    "Eqt1M/RctsMksYdu2tF03ULMoZgajfHSvuc=\n"
    "-----END CERTIFICATE-----\n";

static const char stranger_pem[] __attribute__((unused)) =
    "-----BEGIN CERTIFICATE-----\n"
    "MIIBkzCCATqgAwIBAgIUGXJtQlarpsQPw3rZetfojZXkp54wCgYIKoZIzj0EAwIw\n"
    "JzESMBAGA1UECgwJYXdsIHRlc3RzMREwDwYDVQQDDAhzdHJhbmdlcjAgFw0yNjEx\n"
    "MjExNzM0NDNaGA8yMTI2MTAyODE3MzQ0M1owJzESMBAGA1UECgwJYXdsIHRlc3Rz\n"
    "MREwDwYDVQQDDAhzdHJhbmdlcjBZMBMGByqGSM49AgEGCCqGSM49AwEHA0IABCEC\n"
    "5xwW/6+nc6g4fAyRdl4IWejGnoX5lkBxYITv40tU1t2ktu1zYCOALpwow9Salk6O\n"
    "0urv6j8Hhs0Zrfi27xOjQjBAMA8GA1UdEwEB/wQFMAMBAf8wDgYDVR0PAQH/BAQD\n"
    "AgEGMB0GA1UdDgQWBBQ4zYik8mzSEzN+k8JakFlj3f3w2jAKBggqhkjOPQQDAgNH\n"
    "ADBEAiAtfPP0y1O1WcCYZn2APXjHAlQWH5XV7HnMABExAtRF6AIgKr2TehPcAKC/\n"
    "xOZsu6m4iSBn7FL/ejYnLAeTcDWEAWY=\n"
    "-----END CERTIFICATE-----\n";

static const char ca_key[] __attribute__((unused)) =
    "-----BEGIN PRIVATE KEY-----\n"
    "MIGHAgEAMBMGByqGSM49AgEGCCqGSM49AwEHBG0wawIBAQQgWRprvD+tcju2f+ya\n"
    "uDqO15NS4T9+QWO1KrUGTjMgbyShRANCAAR1fo0lkiiEilt5sEDJDXf0kGMSaNdN\n"
    "z+QMQDgCS9WIzLC/sxjPWt/ItjaTqOO10FrQSDDW5cPx2JkvyujiUDAG\n"
    "-----END PRIVATE KEY-----\n";

static const char client_ec_key[] __attribute__((unused)) =
    "-----BEGIN PRIVATE KEY-----\n"
    "MIGHAgEAMBMGByqGSM49AgEGCCqGSM49AwEHBG0wawIBAQQgEyqggohBVxLSa1sv\n"
    "Mqz5stOsmNOIq1dYCyHnRaMp1/yhRANCAAQXq9iQMtaYjxUB6Ifw0KQAgrXSNDgh\n"
    "+mDCPUSGH30SfMJgKdapp4ItbU1SIMNG9CmUFCunYrkFPPrzy4t9iqkG\n"
    "-----END PRIVATE KEY-----\n";

static const char client_rsa_key[] __attribute__((unused)) =
    "-----BEGIN PRIVATE KEY-----\n"
    "MIIEvAIBADANBgkqhkiG9w0BAQEFAASCBKYwggSiAgEAAoIBAQCbR/T1ImOE9lHs\n"
    "zGlNrEAarHADf5Y8dGd5VhOOC6ZCAJ01Qtwsg7Jgy1a9leW2BgD8nyefR2Lshpm3\n"
    "XQIgBptfQUmLzfuyv+dGIvkZd6yDNuJ1q4+rbVgqQKHy2qCphzXvu+AiPdJIfwHD\n"
    "aA67D0nN7uJcIfOpOpfnc2if/3Q6oX1VN7WmjuBhrH7RlGWV22w9R09dLzWonatm\n"
    "4UZVMiR64ypB+NGR866vJzD+M9WyRW0FEthOdb2LS3rj4Q9jeDRRuJK22fDpbthF\n"
    "qDuOap0GfhH88fYzWVnfmoZZkJ1m5U3QoAaDYmeFpmmp6Yf/6UdasXm4IGHtPJIG\n"
    "P+M30ZEhAgMBAAECggEABzNEenNwRIbJdx7Mlga+zp3TvQ3KMR5yrkLEBsOnUqTF\n"
    "pWXmxx4KN1VmcPisHXWIAshi5XT0pnDgj6SXIYk85InAXjFPrDlPmsYQ+x6iyxwD\n"
    "gmvrB9duDaa2lVTDu2ivvK1fb/PVT60RlcNTxe/B2Kc5kga1Z9HCoAxb1YN0AV3p\n"
    "UyFUAfgZXiGkh7zC5tnuWNGXGp6i2SaRCxajoFm4cwC73NRDXfRjhzrTNRhfPjHO\n"
    "yDM9dxYwmwgMfe7J0KxCH8mLxiyHuDvS1vrIMFZYI/q8N0y71lGbox2J0fApkg4D\n"
    "/+4HUl+VqlwPapzf9sl2l5uqPCxNst0MOxueU1IhqwKBgQDO+lBR80rI420CYso7\n"
    "rFzuQPD7PkCBDrksTQq8z/dK9xOJq7aTADZjIO58/OXOieAStGcPtOyg8nWLwsYP\n"
    "2X+unM8tx/LB3Ce4jki4Q4fjZUS3fqmVy+xbiT8R1TaqSVvhuhFherBcDTfA51W7\n"
    "YoXlJFziPIXSxfPq24aPbqXXewKBgQDADx2/OnST6iBLe2SS/kYK2Wyzexa219NH\n"
    "M8+eqEl7e6y++c3fy/H9RNFcj6yAQ/a2bpdxOywvpGFrG72wVrzWeR60ig7LYYYL\n"
    "tXNYieDXCUwjvftI1l4LYDlTfPK0Ak2H28nNgviEfuqp+9ypSY7E/uL45VtOFH6A\n"
    "FTI6KAnJEwKBgCSuqlOL2eI2pFg65/qhdqrnKY5tnwMAeAMI+HE0LnDDz1uj6iyt\n"
    "afYxnPLb42KyftrxzB41g4aW0gxeDbo7Yuywb+t+N2DyQrvrw6mcllXP2djngujA\n"
    "hnhGn73qWtDdRYKA9pmfI+h8kzgGB+S49mABDNEvxsvvN2aVV4jOJGhHAoGAa+NR\n"
    "841T1Y+MyrorOkOqdwfCf2Ri0x2UawgY1mh0tvA3jyRm2RQJARw6e8OdxIPpQHwJ\n"
    "iKsT3EN8Eh4IRdnDxLtPW12+h9Nl6Ifqns79Re7MHbvoP/dj5wIL0fF7qVEt2mbG\n"
    "CzNKhauCCTEZuONAVztTpzu4OblbgnnluDOro48CgYBXFXVT04D+QJTCypD9ZdGM\n"
    "0vE987jIm68dFU8fFbjo76Cqz34mtrSRNmgAsNeJ/t+10nQjM87muistmG3HBArO\n"
    "a24EX9P4v+XEa/13GnvsYGPxd60XI8/2ek16W8rsXbaNZq9dHWNF3Y3w95Q4qFW3\n"
    "LCXHHDzAEn6GxhWMkRQLow==\n"
    "-----END PRIVATE KEY-----\n";

static const char client_strange_key[] __attribute__((unused)) =
    "-----BEGIN PRIVATE KEY-----\n"
    "MIGHAgEAMBMGByqGSM49AgEGCCqGSM49AwEHBG0wawIBAQQg60qiGKF56lTu4CXb\n"
    "ONgP+mJgUvAOWhJv0K75vOf8ZK2hRANCAAS1E+A98/Ci0OCz4Hx/LsLs0X2gNuIV\n"
    "AQB+VjJOMM4/pc3EYj3eDVmOd5QaZVpPc7yTDlxPNJw/4mrPBkcphqvk\n"
    "-----END PRIVATE KEY-----\n";

static const char deep_key[] __attribute__((unused)) =
    "-----BEGIN PRIVATE KEY-----\n"
    "MIGHAgEAMBMGByqGSM49AgEGCCqGSM49AwEHBG0wawIBAQQg6ZTJMGyMkMewf2wJ\n"
    "RaZosdF3uhLJp2o0b2AwXiySYfOhRANCAATl/D+4lkvAhY28wK1Y5ZEFk/CQLJuB\n"
    "IGMdD12ID3zJh401rCF817yeFwFh2AY14VMPTJ/qLmL0nzT1gOYfGFym\n"
    "-----END PRIVATE KEY-----\n";

static const char ed25519_key[] __attribute__((unused)) =
    "-----BEGIN PRIVATE KEY-----\n"
    "MC4CAQAwBQYDK2VwBCIEIHQkIWOHzpPr1QgaPEw6t9czNnJLhKe3bNSX5YMQzYhN\n"
    "-----END PRIVATE KEY-----\n";

static const char encrypted_key[] __attribute__((unused)) =
    "-----BEGIN ENCRYPTED PRIVATE KEY-----\n"
    "MIHsMFcGCSqGSIb3DQEFDTBKMCkGCSqGSIb3DQEFDDAcBAinwWDha0GVygICCAAw\n"
    "DAYIKoZIhvcNAgkFADAdBglghkgBZQMEAQIEEHvoIuAOQIw1DoPpgXoEHBoEgZDn\n"
    "KnDvSQqEkKxzc21Ql2inGFTZhiSvMUcn/w2FGx9iKnH8Drh5cKBVssHj0pAFSl6E\n"
    "XRuL8q6eSZnBdN8i9O6FCRm1erXw7cUFcenUeMh8hBW9GrCV5HvuH02mGxOXrHSS\n"
    "chTtU7ra8S0iMtpCK15zbdt7zLRFGFSc7Y5cRJYNNizOXW2dNYfDA//3Y1MwLZk=\n"
    "-----END ENCRYPTED PRIVATE KEY-----\n";

static const char encrypted_pkcs1_key[] __attribute__((unused)) =
    "-----BEGIN RSA PRIVATE KEY-----\n"
    "Proc-Type: 4,ENCRYPTED\n"
    "DEK-Info: AES-128-CBC,3194B310C6EFC9F9B05179BD1ED7988D\n"
    "\n"
    "yAU0YmkEmnHuZkMhqrIPxCVS7eFUPz+02+z7McTspxkKqhMqXrsUYEBybDmz13ln\n"
    "m8ZAcm78BzGI8r5wJBMe0yn+ac6OVADkQFCf3eMpIyxoOuT9ijS7ekluV2pk64n2\n"
    "VhwFlQCiTDNkcq/DBnYgyjSE0N4Y8ycW3o5HXdEMft7LPbLoRIFQIP+4JJZutNd4\n"
    "TZ3M1psrdevQkh377/ii19Jh9xFgh9IKa2b6XD733p/I41Jp317iBsrdtxPVQFiF\n"
    "djA2mkWemW5nIsqYsRvRWp+Ls/8+YNZmxjxlXZpCKKLxq9xBZ4vqo89m8W6pfLT1\n"
    "wwWLO6usin1U5Etg24kuLtDQ/0186D5cNHFTi14yW53Plh3qdacF4/9hTp1n27MT\n"
    "kUZ6pXt8zCq73DoqscoyXO5WK2ERj6ol7O5WvbntCipqEadAOFT60GMUOvErgS1g\n"
    "pZn3tplwze5W44rgaATh/3k98pjASUu7+uL4pyMSPcpwxwnEelaaT093F6ECyZ08\n"
    "uDb7IUJapMOn9sM2T6ZyONQUF5waWJPibzK195PtvxJUjfIa9U0fGyqffXtbAbUM\n"
    "5X1H45nX2MgCr5xyb2/juAjYek8KaltmKdLN51dEn6z7aNw+sqQzzW3KF3S69Ydi\n"
    "tS/qZZjNXm0yelCrMuHkN95GGkHgnF5rxgdSDig6mvMgF5EVjdXLXHQpQr9l/drr\n"
    "ntydNdY09n/Smt9NsVx3gUxAUSCAPqWZTCg7MpplNmwtbJFvEVcmqRWoPzgvYaZO\n"
    "GZfqoAsTwdyljmWCWP/D+5SN9CqnTsPB+3rAh9/ThHDz2oAfXSwrScwIyTVGxre7\n"
    "Z03szxnH154tzP+M4i/1ydARB00zb8YDcsgDToYdwgejSmTceYz1LiR2g4e1biKs\n"
    "cQ3u5FnQUui1nL8wLP0q8kO/Oojowp0vwI5yS2qDuTYBUDkF1W1OpFKdWhbhMZzW\n"
    "njPFXlBekKuCnfrJGK9lsI6jzIdKjFGwlD9CGnSoYnRVbgiHpa48W24I+/giemOn\n"
    "34y2zbfJ76u/m2NCxdmJTcPcWDPIi4Wk+uQUSjOzibWiQRZCWVE3msnni4LVHgPC\n"
    "RnQSJAee8MbHbS9WqKQu9E5IWEOhKxP6fPmikc2IxzfVNZ+7HbiJ7YjgrwilksRx\n"
    "s/Xc4JIgdVs9XDqwgsWMi+iaf0nDQvq8JiWgp9Tel0/NXu6OVP+GMwn3Q3AdYPoa\n"
    "DosBjZKiAHm4hq0S/thppd+/2zbdQHUQlGHC7Wc819SMiKQv5tl01mDx8befuM0T\n"
    "S/MPgZ/gECch+3kULlRCwtKZTiGDVpPoGc8rVaOhWK2sprMjT3nI9FMEFhzyUZz/\n"
    "T9tBWx6YHagoBcgVAkAzteAFhkLuvosLou4JlUCPs1puP3TQ81+DFAlBoc0LrfOh\n"
    "9PgUIWw+Ne3DBSO1LSMEpcTscIj9WRKXVOecriDSC9o/G9uibBTcBD36ihJ3Sghl\n"
    "uqs5O+8mpzPQoDQiDzhl3tDMrSgXM4jykhjIByHh3y6fJH6aNXPUdB16By4TkcX/\n"
    "adrFDmTSSJpQ71PMevfwEVCm/M08VZpPqRcYY4Ixfbxxj5hPR6ZIs3qWsPjvNjn4\n"
    "-----END RSA PRIVATE KEY-----\n";

static const char middle_key[] __attribute__((unused)) =
    "-----BEGIN PRIVATE KEY-----\n"
    "MIGHAgEAMBMGByqGSM49AgEGCCqGSM49AwEHBG0wawIBAQQgu7vCtjah6mpBw2x4\n"
    "qV0V2NDSgBPtSPIp3FbVzHYhgEahRANCAASqVtTlUkXbZCFXCOX9armgB6pQWtxn\n"
    "kw48mtv7dAMJ3dnDOxKUc///I0wGIPBtzSN8U1lBkOtcGoMhpjpwG9cx\n"
    "-----END PRIVATE KEY-----\n";

static const char other_key[] __attribute__((unused)) =
    "-----BEGIN PRIVATE KEY-----\n"
    "MIGHAgEAMBMGByqGSM49AgEGCCqGSM49AwEHBG0wawIBAQQgrkp1yOqO+r1L4SDD\n"
    "jsanoDnl6YkSSpgwaVVIgEaTHuOhRANCAATRAknkI8MHH5FOJcj8bfaLSphqbQe0\n"
    "WL/NaHBv3riOgzOums9CZSIHGT8YE338oOPa7dxvR0Upb2yf2+UeVikK\n"
    "-----END PRIVATE KEY-----\n";

static const char rsa_1024_key[] __attribute__((unused)) =
    "-----BEGIN PRIVATE KEY-----\n"
    "MIICdwIBADANBgkqhkiG9w0BAQEFAASCAmEwggJdAgEAAoGBANK3P4K98cRGN6sH\n"
    "y41ZZb3xCMKRcs7/idSbP5veTZEssQ6fG5qTeDw5RxnLFleB0PRWBG0zaH6+jyGb\n"
    "yhQ0T5qEmKtR60XxYfVveJmm1NNkAQKfIBcdQ4qPWcPpMlXMezvsmoN2arqxH8OD\n"
    "sOmWUM0zbq7P7vz6ReOD9/4oq5sDAgMBAAECgYBb1UU2o7WERt3oCgOqXLW8rBmX\n"
    "QnB4ymG1aNu2AJJpnMKljq4nFfImvQfBtALOrGL2ua5AMVFvO3mBujW9zHaMJJN+\n"
    "3Xd1Y8JdNsI2geC/F6Ad2DHLnEplvTidOcF8VCeZFFph3DLgteb/RgJYuG/yQgSB\n"
    "cY0sLTKMmxrtIPuocQJBAO1cC/Ia3aUUt2k2TLoGqIabF0e3QSA4gm+sr+lKMTNo\n"
    "t8C+HuRZnKuyq0v3JQlovebL8LpV12vKitu1tzDNNrUCQQDjQ4wGCcfVD4zsnLUc\n"
    "EJMC1aNrfWF4H1LXpYb9tqYUfi+rQ+Uqd2T3CMVIiydjCyJxzqXdrojmD7P1AQHB\n"
    "0KXXAkEA1gN/ld0ZaeZC9W+LQNQOEcg29mfKJdYt7alDt1I5CIRr4jLKQdR2ye1A\n"
    "PC9ryo8RYs8Rj8EkikFGcJHoyezOXQJBANr1a2Ut6zBl6RrW6M9/UIS8nNSlWlFH\n"
    "rKNEQckUPvMjmH3jzlmZ6tbvxlPcbjhItAj+VmQ9EnzFyFZXf//iLMUCQBYjCF29\n"
    "dfLbDIaTCaHzdZklsB9/I5a2TVPaRZ7ziL+7KcaRhez3H4lgLplZ6aW9ERn8MEJ2\n"
    "Spcu4WV2meLN83A=\n"
    "-----END PRIVATE KEY-----\n";

static const char rsa_4992_key[] __attribute__((unused)) =
    "-----BEGIN PRIVATE KEY-----\n"
    "MIILOwIBADANBgkqhkiG9w0BAQEFAASCCyUwggshAgEAAoICcQCXSCtpXA46k+fe\n"
    "xrQvgxsmVpJKwIKGLbfrOl88SLH4aHrML/C8ce0XVSENv+lBLSb86LpVnanTZ9aG\n"
    "n//Ko6w+fKBS2kO35Glf56yAv9UHTFkp4bLF0Ax5pk/Ddgty6O9n06z6cKnSaJFO\n"
    "8zQ7M8lDFKfW6jIHtXezTUXPej17gInWIjU01ZNhQfHW9J/W7eOtvy6BGV4qfidI\n"
    "0TD9wnJWQRBajxtaUfh58ZIhCEg+6uOBFcqMg9+zKRcZHfSvvSiyWGheIttoyx7w\n"
    "YVH08+e+9y/vgNlvEfqODW2sWIvIM4M0NJ1GNAmR5ueEm6LYcTmMnIeS0lkFHlQs\n"
    "q3bJ7zfgKc4a8qSB6a7exHpC6C05kc98FbbOfnL4iXiy40fatVnFQwWrtS9C9SRF\n"
    "/p+4/yX9MJzo8qojq1ZKYySoPaa7bxmlCGjxSUZEARI+jKS6XfqJ+d9qB0rkZAiQ\n"
    "GzeRmSNUPT+n+hYKXijX2PYqDY0DF0gJ8n8nZ6MoFee32X1sR3cYu+CiwDHMm15V\n"
    "cKGtHHWfFKSkTUIs/VVEyQ3EQhRwE/I90kRvmFSM60vJdvH9OF86jr/J7AChWSxS\n"
    "AJTwtvouDw0AXv22qB8NEuhy0QmJvPR71hX+vFvlGpJ/r3TQ00bKz1/Wk25lYQBP\n"
    "ayLKjaczw+mLgTESjntTqMCQFU0MYdxDp4pQYY4QPSIAjiRKwscOAyv77TMzsdIk\n"
    "BT0VRFdY2lETWNijZ3DBhre09x3KBope0cjR11uRH03ykB+xwEVniDqgBJ/uIruQ\n"
    "kL/RTGY5W1tiK3UCrgm+xdTfozS2YLOzeIDvO3WBHUizcUGgCHECAwEAAQKCAnAI\n"
    "/1ITpVW0Tq0k7wDy7XN9K3tuZjYtGEV+wD0/RtyM11vsTnKdJpJxB49cc7xB89dE\n"
    "hevlISgjSmL0JUpviR36pmtbmh8abgOFYHA+RQp8sWIBL2r0QFwplQZb6+ag6jEo\n"
    "5eo9B9vVx4HS5fyGg901t+IGkm2wzy5kE9Wx0gWblYi9G1I6RvSJvYQOYoSqIgJf\n"
    "SEZSB8n1sYSRHF3zTbACqMJ5/FZmYAcs63zjKYywb0RiHkNqaYJxs6ErzYAKvq+P\n"
    "sdndNWoCuMfpiIQ5ExOGpEltz2Y/KJzT+4D5FdgUa1njjjiHXxttmcPNu3rrMAq5\n"
    "7epTRV7lgskDUhxRxMA4PQxExocZseYEWj+iQJBGAwHJ0bnKXLNmTDjJPOK+Y3hI\n"
    "FuUcsf0yWIWUgyEJPeWKwiwm353WWr+C47Jzsb1hdq9dxJK53qZlgCHv5N3tofFr\n"
    "UObDXAHH+wtJlpisS/ftuUFMd8B0InvRbiRt3/ac7Dz5XZRZnlKYxMVHZA1mfYmA\n"
    "JqzYNGh74QrERQFQRqUko7tnCmtf3xfZxpyo8fy1jwrTjGQEqdhpnvmjahUXTajn\n"
    "UAlaGLqZ8xM020Xr1Ep47/oNi9shRqO/3B77sBzJ8/zY7qyM5dBBP5T0QktZ/P1S\n"
    "WqeHLK7WzgZxbGpaoUmCpiSnAV1PsP1i8LAKphGkbbGNHb/9oB/dzuc/SJyfsIQ7\n"
    "8CG6YIq89G/zll/8QcGjmCT1mp5I3lVOgl3GtHz8+FOkUoZ3zGilU51gLxKW7x8C\n"
    "Ng5JnJvAKiXsH489FFAbMvs/Mar/wmHuTrxHmHC/oxHCcwRDYJGD466LYuYUOgUC\n"
    "ggE5AM63gR3MjN5juZBUhwcXfsVXy9g35lzpra7RLCzBbj2kQN/NCfamR7KdCAtW\n"
    "BcsYVLsysIXsaWmv2HTF9EQoaoi/V1q70tpWjY4W3TIt4ilwi/UegVnyO47eqw4c\n"
    "lURpp0rGJqcvwJZ9d0Cw0m5fhxDVyR5KwJNtyHOmKtp4Aa3qOk7fsEEBZbO2pfgu\n"
    "u+gjm/ZGHMuoi+DAKr4MSuwj4v7LB4YeWjrppYohrCy8uegFJ6Vi31EpxiMenJFN\n"
    "0mnljHhR95JmDECgy+51PbmBLw972YT9uc4eLnY1NwHKNj42gYQLUqcPY+lTSlKA\n"
    "Xpmzpmcntkz2M5dybe4rvGAUfiCmhPgcU3WNhwobTRgzGhkc11BIoeoDa/WBe/9Y\n"
    "J2lIZ3tUOYuor09GWL1evaEAX0loJE/TjWUXtQKCATkAu1lSGycXplzHcjeNfQLq\n"
    "kuekJ5ZzXBmT64qOeZCYZTaK8YQIu8uVZDyhTrWjQqz/L7+NHXY+Se0Il2MbiFHP\n"
    "g4Px5xoZupWBFVSbNxX8I/6o2MISDdfz7rCgp+sxVLgmTxnQAdq8kmyzI2g+KgR3\n"
    "zws7Jsx3NGDADtjoE3019jJc3CIKdiC3H/2q7RGwOIF00gKDx6m3NPr2T0xp0FnW\n"
    "X4P1MCmaYNJXwHVbZva0yToSM8lj/6lTTSA7WWaxholNs6XMTVRVmZHf9NNi2KV1\n"
    "KFd4g7eyso5eZ4oRHrO8pJ6TAhyntV7YME8t6hpxLA+hgtWaVb5vYXgTRJ3Jbj0y\n"
    "FYF9m8vF7fX2J14Vogf6ydCi/2iWcq9oeTWc+R7rcmQ5xbDIvVzFRTl+cXGkzgD3\n"
    "z6Bb7r5/GqtNAoIBOQC3ivvbx5l0hLtoyYSy6UuoUVIvg0LJULrkM9mzS3RkywjH\n"
    "LjkghXe3wfI4joLKV6o0JMfTwZu/OWFKHdHLCs+855faela3go5hkS+JtG/RN5st\n"
    "Y46anJgBPPhIqVxnyB/AJrx/SckIVhKin93YHn3AlvHiMaFXxexrsyjtngxvrT9k\n"
    "dPz8Ww9ASHaJLIWvkp6SRqKeueKpBjdtU2Da1upgLUla7mxTTs2rHkbP2ip/NsSC\n"
    "9o0udZb16+I8qgqf+C+HTdAybuWGJL+t1O+fXHK6ns7+ZIKr3uSGFK3oqvEKwD6z\n"
    "TZJvvxyJOWkOY+ibNIYVpY8aOqiIWhP9m1vBO7DZsMDzw8Le53D1qlQDnqwXjCIp\n"
    "qLQLIkqjS/sbN9yWgLFRMfF+baJrEx0L16kr4Ta56PwE3OP41NkCggE4amTlTeo7\n"
    "cgzKb0DBJzdaw6atAJZeWPVlnaQIGV1WTlRVP6b91rhc1Jnh+XMJjjn0icc8enjG\n"
    "EvF7qY1s+1OKh2ONIvMdnWp97gEoTHY9xKtAdChyXE5Bh1HjSrk0QKp7hvxftk3k\n"
    "PTth2D/A3de/umLkaro/EA3JxCTGVxsKZBBhz9m9GyylEpPaV9ttugk6sHEhKWhm\n"
    "VL4Y1xvME7iRF5k2yu01cLrDftam26hLLuO9po8+LNiaJ/if+7toIcEj0Vvc1CWK\n"
    "nzXKe5z4S5RbHlfeZt8RqnlTf3VXF5p3DP3I+rAPRd7g4z50EriFgMI3tLddeEg3\n"
    "tKCeQJ9i3yn9oVzyWmG0u9isu9qgam4hrC7CAk4A8oxOxlb+GDPI/iOQ84Xb2j4v\n"
    "AYsPFZm2QA8orE6jJsgkIp8ZAoIBOQCU9tGKabMNEnd8P9QXct6oVEIduc6qwG/S\n"
    "X1VseI10izaZtH3f2QL1PXlmAT0h++d+SPCrtIkMbRvkRFRqYnIv4HlhEpsvmc9i\n"
    "mlgr1JovYjc/unUNq3MxKP6yvY/mwwpBqG48YIU+YEbSOC3+3AiudvlVHmR6p3hS\n"
    "BQeJB42mOJj0OliRzo6CibttfUaFsbXTkay/n9Ah6IWfrtZK3ppZ1M+w0DtYXV4t\n"
    "7Hai3D1kZZOFVoVhVkmDQXxJfWuA9LqwSdv+NvEf2mVxLiipXu+O/MyvB7xUJiQj\n"
    "GzPqo9UcBr4oDP6KVzVdH4XjOjdeq6Sw7URdc/tZrqBtm46zLv4HVqH3by9lrp5O\n"
    "38LNgae9MktJ6SWNyQIg7+rZNUEyaqcTBwEIgB2BGnnfHG4XJAd71me3FPFl56E=\n"
    "-----END PRIVATE KEY-----\n";

static const char server_ec_key[] __attribute__((unused)) =
    "-----BEGIN PRIVATE KEY-----\n"
    "MIGHAgEAMBMGByqGSM49AgEGCCqGSM49AwEHBG0wawIBAQQgVt6SM0j0gNdxdkRN\n"
    "JxSI5tGDCJ9Q8D6VpTuD3qhEoL+hRANCAAS5n+/kGw9MeRcKFP8G2fK2XCgoiyfV\n"
    "kVcCUrxEdGKGF4sC6JSuh42Xz5Z9T/SJmfPdyMBEjJTjGVL3jtbb4prE\n"
    "-----END PRIVATE KEY-----\n";

static const char server_ec_sec1_key[] __attribute__((unused)) =
    "-----BEGIN EC PRIVATE KEY-----\n"
    "MHcCAQEEIFbekjNI9IDXcXZETScUiObRgwifUPA+laU7g96oRKC/oAoGCCqGSM49\n"
    "AwEHoUQDQgAEuZ/v5BsPTHkXChT/BtnytlwoKIsn1ZFXAlK8RHRihheLAuiUroeN\n"
    "l8+WfU/0iZnz3cjARIyU4xlS947W2+KaxA==\n"
    "-----END EC PRIVATE KEY-----\n";

static const char server_p384_key[] __attribute__((unused)) =
    "-----BEGIN PRIVATE KEY-----\n"
    "MIG2AgEAMBAGByqGSM49AgEGBSuBBAAiBIGeMIGbAgEBBDDk/6zh0NgNcq9H2KBj\n"
    "HkEL6i0GHJ3wd8xv7w6241DNVUsSIsRQ9+bglnJCySCmD0ChZANiAASlG0tHrNI5\n"
    "uC26tL/qjpUf/ZN5/pFW8cXrvJVsxoNUze7fqRIw1aIf0tOk0N5XrDHLbvmu4Mb0\n"
    "nEGkAyUXNDRqCmDlqofnn4OM+LwsUnfS7nC9H+WZytwKvE4BC6ZbAr8=\n"
    "-----END PRIVATE KEY-----\n";

static const char server_rsa_key[] __attribute__((unused)) =
    "-----BEGIN PRIVATE KEY-----\n"
    "MIIEvQIBADANBgkqhkiG9w0BAQEFAASCBKcwggSjAgEAAoIBAQCykHUoK+Zaqti5\n"
    "dq/45ds078I5VKjgM62NfgI5Btqg5jlFh4cnKF0mSS2y/Y6NQuOgkiUw1KA6ZmJ9\n"
    "UtDSHksBAh13x3eeI3h0CAuwNch/Gw5JcHF6m01cW2JCwrPL1aIL+3YSZYt74Omi\n"
    "S7ybP3f28QaIAFkSwDXTT3WLoyHdc9sc9rTE6VlLCIq5QpmhRj/xgYKf7W5xDdf0\n"
    "48YNauKx1RGr0Smlnhp19GQ3O4iwV6uLcswFN5K8NTUU4Wn5ofSw7EMjocsrdCwt\n"
    "628NOg5g/cGlKqP9FxpJPL033D+QvPCh8VIRYudhf+USFNIm3Be6+ZyMY/Sze478\n"
    "eQc12chnAgMBAAECggEALcHq48JsIyvIoa4SZfuw8p3F7Z8OL3XOsYVq2GYzPCwC\n"
    "3Rhfv98OD7OM7GMhVn2fixQoR50U+iImdurz7AQrQDTkjD8nHfUE9ubg5+TAXiH2\n"
    "xUb1LXACoPoh8e2m2UMDZYKovQocdkAqXpZ93GKlQTh+bfd42985a87e1kuVcAPE\n"
    "sV2yB6XA3SI4jVsq31O9drRonEUd3uKSC5LBsOmMXIsSFyy6XmCd5ifzkhK5WoBj\n"
    "mw28mgDXguLlfjqlfZStBpITT9zbIMiJjYFTbeCxJhhz7MRRJlvPIA3OYlsd4nCd\n"
    "HuEoviOzfS2tkAr4rcpRpvsIcmVL5P6PubDhFckDAQKBgQDb7XjZ+Auu4JtUKTJ+\n"
    "3pBWAGua37dfJnJPrTpWAkVowfmA++sn6Zmb8tZxg8AbXZgzIRGeeHfHTDfCYr33\n"
    "aIXND0pkxzGsjYcRkFXku1XUw4GIMtbZ9vRzYv1+I+utw715R7K0u2zXO19ZzMbg\n"
    "NZTbAOtS+QjmKEbRkB4VrHNVQQKBgQDP2i7Pl02q3AkRX/0y9bTGFQgis9ZrbGFo\n"
    "6BKZTC/aXb3kP5ohozdvEu1DrKYGty0heZJ7FRiMymiS505JQN2OO1yiXQuO4DXP\n"
    "fqgnVyn2vrjktFQA+1vahCAcxwdHW6t7JAD5uOpcmNzZ9k3nUkXfsN5mo3TvmE76\n"
    "dF033DtrpwKBgQCKT86xRk4SrS8CvuYC4/XiIGGMBSZNsOAzO750WPlN6LABbm11\n"
    "rHPun8o9mZ43l6UggquR/jFWJZjrpy3Rauq7C+K9foi+/EL1yNA8CZTxOgM8pLx6\n"
    "V9Vku9ywd+bAYVnH7E93WmgY9D4DO8XXO9th4DIe/H+cP7hKE1jYSJxAAQKBgF8E\n"
    "1zF/cboSLPMMdqu9N472Pmne3L7vJPjYXuhFs/qXsB+QE94cx1K3zE+LtbqMMs2C\n"
    "zjwGQNrcDUJbC6bhSGelK4vuDUKbrP3WYPjbGAv81Hl5Fo38WtliXWvKcMFmXtZE\n"
    "d02yAzGhkBT0TFjbe6XvLTyurN57Ol+0oojO3TsxAoGAdzmg9S4nOOlt10CFI+X1\n"
    "oYWJf3INEoKXmK6hu7fszvAaPVrkLB+n07umR9bJpwWFpheat6z9S8O8ZGtWTFKw\n"
    "c9/1NtAAnPsskS7iWDg+r0cm5R2Qb+ag+M8a5guu7hMyl1gHo7gn/hnyPdrdGl5W\n"
    "cMruTHPj1ItFH9gc6gyeapE=\n"
    "-----END PRIVATE KEY-----\n";

static const char server_rsa_pkcs1_key[] __attribute__((unused)) =
    "-----BEGIN RSA PRIVATE KEY-----\n"
    "MIIEowIBAAKCAQEAspB1KCvmWqrYuXav+OXbNO/COVSo4DOtjX4COQbaoOY5RYeH\n"
    "JyhdJkktsv2OjULjoJIlMNSgOmZifVLQ0h5LAQIdd8d3niN4dAgLsDXIfxsOSXBx\n"
    "eptNXFtiQsKzy9WiC/t2EmWLe+Dpoku8mz939vEGiABZEsA10091i6Mh3XPbHPa0\n"
    "xOlZSwiKuUKZoUY/8YGCn+1ucQ3X9OPGDWrisdURq9EppZ4adfRkNzuIsFeri3LM\n"
    "BTeSvDU1FOFp+aH0sOxDI6HLK3QsLetvDToOYP3BpSqj/RcaSTy9N9w/kLzwofFS\n"
    "EWLnYX/lEhTSJtwXuvmcjGP0s3uO/HkHNdnIZwIDAQABAoIBAC3B6uPCbCMryKGu\n"
    "EmX7sPKdxe2fDi91zrGFathmMzwsAt0YX7/fDg+zjOxjIVZ9n4sUKEedFPoiJnbq\n"
    "8+wEK0A05Iw/Jx31BPbm4OfkwF4h9sVG9S1wAqD6IfHtptlDA2WCqL0KHHZAKl6W\n"
    "fdxipUE4fm33eNvfOWvO3tZLlXADxLFdsgelwN0iOI1bKt9TvXa0aJxFHd7ikguS\n"
    "wbDpjFyLEhcsul5gneYn85ISuVqAY5sNvJoA14Li5X46pX2UrQaSE0/c2yDIiY2B\n"
    "U23gsSYYc+zEUSZbzyANzmJbHeJwnR7hKL4js30trZAK+K3KUab7CHJlS+T+j7mw\n"
    "4RXJAwECgYEA2+142fgLruCbVCkyft6QVgBrmt+3XyZyT606VgJFaMH5gPvrJ+mZ\n"
    "m/LWcYPAG12YMyERnnh3x0w3wmK992iFzQ9KZMcxrI2HEZBV5LtV1MOBiDLW2fb0\n"
    "c2L9fiPrrcO9eUeytLts1ztfWczG4DWU2wDrUvkI5ihG0ZAeFaxzVUECgYEAz9ou\n"
    "z5dNqtwJEV/9MvW0xhUIIrPWa2xhaOgSmUwv2l295D+aIaM3bxLtQ6ymBrctIXmS\n"
    "exUYjMpokudOSUDdjjtcol0LjuA1z36oJ1cp9r645LRUAPtb2oQgHMcHR1ureyQA\n"
    "+bjqXJjc2fZN51JF37DeZqN075hO+nRdN9w7a6cCgYEAik/OsUZOEq0vAr7mAuP1\n"
    "4iBhjAUmTbDgMzu+dFj5TeiwAW5tdaxz7p/KPZmeN5elIIKrkf4xViWY66ct0Wrq\n"
    "uwvivX6IvvxC9cjQPAmU8ToDPKS8elfVZLvcsHfmwGFZx+xPd1poGPQ+AzvF1zvb\n"
    "YeAyHvx/nD+4ShNY2EicQAECgYBfBNcxf3G6EizzDHarvTeO9j5p3ty+7yT42F7o\n"
    "RbP6l7AfkBPeHMdSt8xPi7W6jDLNgs48BkDa3A1CWwum4UhnpSuL7g1Cm6z91mD4\n"
    "2xgL/NR5eRaN/FrZYl1rynDBZl7WRHdNsgMxoZAU9ExY23ul7y08rqzeezpftKKI\n"
    "zt07MQKBgHc5oPUuJzjpbddAhSPl9aGFiX9yDRKCl5iuobu37M7wGj1a5Cwfp9O7\n"
    "pkfWyacFhaYXmres/UvDvGRrVkxSsHPf9TbQAJz7LJEu4lg4Pq9HJuUdkG/moPjP\n"
    "GuYLru4TMpdYB6O4J/4Z8j3a3RpeVnDK7kxz49SLRR/YHOoMnmqR\n"
    "-----END RSA PRIVATE KEY-----\n";

static const char stranger_key[] __attribute__((unused)) =
    "-----BEGIN PRIVATE KEY-----\n"
    "MIGHAgEAMBMGByqGSM49AgEGCCqGSM49AwEHBG0wawIBAQQgrBJlCxz7VFCxN9Tx\n"
    "N/7tMAnCruI9RuxnNRdrqyUVDbWhRANCAAQhAuccFv+vp3OoOHwMkXZeCFnoxp6F\n"
    "+ZZAcWCE7+NLVNbdpLbtc2AjgC6cKMPUmpZOjtLq7+o/B4bNGa34tu8T\n"
    "-----END PRIVATE KEY-----\n";

static const char server_ec_sha256[] __attribute__((unused)) = "d11dd8f68ef7b3ef7c2303259d92c2e4ddea785399ef9d0f03971d8e2a4ec4fc";
static const char server_ec_key_sha256[] __attribute__((unused)) = "3cc0de8be36e13ef33ccc2c69bb5948afbdb511c997f7bba87f5dae76e8be910";
