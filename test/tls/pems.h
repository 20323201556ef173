/* Certificates for tests that need no openssl command, good from 2025 to 2099. Made by der.py. */
#ifndef TLS_PEMS_H
#define TLS_PEMS_H

/* CN=Test CA, EC on P-256, issued by itself */
static const char ca_pem[] =
    "-----BEGIN CERTIFICATE-----\n"
    "MIIBOTCB36ADAgECAgEBMAoGCCqGSM49BAMCMBIxEDAOBgNVBAMMB1Rlc3QgQ0Ew\n"
    "IBcNMjUwMTAxMDAwMDAwWhgPMjEwMDAxMDEwMDAwMDBaMBIxEDAOBgNVBAMMB1Rl\n"
    "c3QgQ0EwWTATBgcqhkjOPQIBBggqhkjOPQMBBwNCAAQm6G/FMFKZIAIFNhxfsJea\n"
    "M8GDOAhwIkgFobHAkcp0LWKCVqJq4Orou9E81sbGV06HPlIlPVa0HE5LfhZtm+wj\n"
    "oyQwIjAPBgNVHRMBAf8EBTADAQH/MA8GA1UdDwEB/wQFAwMABgAwCgYIKoZIzj0E\n"
    "AwIDSQAwRgIhALNcXDdddlv0Fd965JGl26WYRuDgp6XUun8o2JYGNfEXAiEA5fLZ\n"
    "PcTiFA9LLKMbvyXcF45XgrfefJSa0GQN3FoziS4=\n"
    "-----END CERTIFICATE-----\n";

/* CN=Test leaf, for www.example.com, issued by CN=Test CA */
static const char leaf_pem[] =
    "-----BEGIN CERTIFICATE-----\n"
    "MIIBRTCB7KADAgECAgECMAoGCCqGSM49BAMCMBIxEDAOBgNVBAMMB1Rlc3QgQ0Ew\n"
    "IBcNMjUwMTAxMDAwMDAwWhgPMjEwMDAxMDEwMDAwMDBaMBQxEjAQBgNVBAMMCVRl\n"
    "c3QgbGVhZjBZMBMGByqGSM49AgEGCCqGSM49AwEHA0IABHErEHL6RnXDG+h8O72N\n"
    "J9cB8EUM+CpOFlfcAlcXTNaouMNTF7xcmiU+bWjZ5hqEu5SP1A2ME5o3hgq0NZw2\n"
    "DrejLzAtMBoGA1UdEQQTMBGCD3d3dy5leGFtcGxlLmNvbTAPBgNVHQ8BAf8EBQMD\n"
    "AIAAMAoGCCqGSM49BAMCA0gAMEUCIHDYAcJjopAqydeUqbkWjZ1MEIPpplSJPjMX\n"
    "wS5/qvBYAiEA8Yt141pz+phWcQJYIgNLM+tIouD9V9imTQ9Eh5wheUg=\n"
    "-----END CERTIFICATE-----\n";

/* CN=Weak CA, RSA of 1024 bits */
static const char weak_pem[] =
    "-----BEGIN CERTIFICATE-----\n"
    "MIIBwDCCASmgAwIBAgIBAzANBgkqhkiG9w0BAQsFADASMRAwDgYDVQQDDAdXZWFr\n"
    "IENBMCAXDTI1MDEwMTAwMDAwMFoYDzIxMDAwMTAxMDAwMDAwWjASMRAwDgYDVQQD\n"
    "DAdXZWFrIENBMIGfMA0GCSqGSIb3DQEBAQUAA4GNADCBiQKBgQDOnGqUTe5Um33m\n"
    "Nolv3ynMnFn3F0cxldPqosInRqd7+ABJ09aKTYWlca+2fNCmT3+GTBVFT4VRVFW+\n"
    "TsKho+r5QxE/eeU/Ke9oXZI2mVyc/UFARp9GfEwIlrCZW0mWNZBf79qKhMIgmaxs\n"
    "XBRcrzAVibfnZdSDSRovH7aA6D91rQIDAQABoyQwIjAPBgNVHRMBAf8EBTADAQH/\n"
    "MA8GA1UdDwEB/wQFAwMABgAwDQYJKoZIhvcNAQELBQADgYEAQK5uvgplp2DPeuQQ\n"
    "tLC3pztCI/3D/jVL/4yyuxakbMOyHeVh/bZmcxHMy6rg20AjddUjmoagpj3PCanz\n"
    "EG2bOq0WP5C6D4PnRnNFVotSHr4+SKCBY6tAjj0Dcwr21Z2R4pxwViE2rOxMUpq0\n"
    "UIJbiWpvhdCbeQmz+Y/6bvo/4mI=\n"
    "-----END CERTIFICATE-----\n";

/* The pin of CN=Test leaf. */
static const char leaf_pin[] = "sha256/ZYnfNpcK+oFYcw700GBGfX4R4Z0XE+YSRFaONz3wTao=";

#endif
