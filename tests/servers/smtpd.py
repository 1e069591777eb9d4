"""A real SMTP server for the tests: prints each message that it takes as a line of JSON, and ends with its input.

Usage: smtpd.py PORT smtps|starttls CERTIFICATE KEY [REFUSALS]

Only ada with the password "correct horse" may send, and only over TLS. The first REFUSALS messages are put off (451);
mail to a mailbox whose name begins with "nobody" is refused for good (550).
"""

import email
import email.policy
import json
import ssl
import sys

from aiosmtpd.controller import Controller
from aiosmtpd.smtp import AuthResult, LoginPassword

port, mode, certificate, key = int(sys.argv[1]), sys.argv[2], sys.argv[3], sys.argv[4]
refusals = int(sys.argv[5]) if len(sys.argv) > 5 else 0


class Handler:
    async def handle_RCPT(self, server, session, envelope, address, options):
        if address.startswith("nobody"):
            return "550 5.1.1 no such mailbox"
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, server, session, envelope):
        global refusals
        if refusals:
            refusals -= 1
            print(json.dumps({"refused": envelope.rcpt_tos}), flush=True)
            return "451 4.7.1 try again later"
        message = email.message_from_bytes(envelope.content, policy=email.policy.default)
        print(
            json.dumps(
                {
                    "sender": envelope.mail_from,
                    "recipients": envelope.rcpt_tos,
                    "from": str(message["From"]),
                    "subject": str(message["Subject"]),
                    "body": message.get_content(),
                    "encrypted": session.ssl is not None or mode == "smtps",
                }
            ),
            flush=True,
        )
        return "250 taken"


def authenticate(server, session, envelope, mechanism, data):
    known = isinstance(data, LoginPassword) and (data.login, data.password) == (b"ada", b"correct horse")
    return AuthResult(success=known)


tls = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
tls.load_cert_chain(certificate, key)
common = dict(hostname="127.0.0.1", port=port, authenticator=authenticate, auth_required=True)
if mode == "smtps":
    controller = Controller(Handler(), ssl_context=tls, auth_require_tls=False, **common)
else:
    controller = Controller(Handler(), tls_context=tls, require_starttls=True, **common)
controller.start()
print("ready", flush=True)
sys.stdin.read()
controller.stop()
