//! Forged access tokens.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use hmac::{Hmac, KeyInit, Mac};
use plaza::auth::keys::Keys;
use plaza::auth::link;
use plaza::ids::UserId;
use serde_json::{Value, json};
use sha2::{Sha256, Sha384, Sha512};

use crate::harness::{Person, Socket, TestApp};

const WHO: &str = "{ viewer { user { username } } }";

/// The tests' secret: the forger here knows it, so that nothing but the claims and the header can be what is wrong.
const SECRET: &str = "a secret of the tests, long enough";

/// A token, signed as its header says.
fn sign(algorithm: &str, claims: &Value, secret: &str) -> String {
    fn mac<M: Mac + KeyInit>(secret: &str, text: &str) -> Vec<u8> {
        <M as KeyInit>::new_from_slice(secret.as_bytes()).unwrap().chain_update(text).finalize().into_bytes().to_vec()
    }
    let encoded = |part: &Value| URL_SAFE_NO_PAD.encode(part.to_string());
    let text = format!("{}.{}", encoded(&json!({ "typ": "JWT", "alg": algorithm })), encoded(claims));
    let signature = match algorithm {
        "HS384" => mac::<Hmac<Sha384>>(secret, &text),
        "HS512" => mac::<Hmac<Sha512>>(secret, &text),
        _ => mac::<Hmac<Sha256>>(secret, &text),
    };
    format!("{text}.{}", URL_SAFE_NO_PAD.encode(signature))
}

#[tokio::test(flavor = "multi_thread")]
async fn only_whole_tokens_of_the_right_kind_are_taken() {
    let app = TestApp::start().await;
    let ada = app.as_user("ada").await;
    let session = app.query_number("select id from sessions").await;
    let now = app.app.clock.now().timestamp();
    let good = json!({ "sub": ada.key().to_string(), "sid": session.to_string(), "iss": "plaza", "aud": "plaza",
        "iat": now, "exp": now + 600 });
    let with = |changes: Value| {
        let mut claims = good.clone();
        for (name, value) in changes.as_object().unwrap() {
            claims[name] = value.clone();
        }
        claims.as_object_mut().unwrap().retain(|_, value| *value != json!("left out"));
        claims
    };
    let as_person = |token: String| Person { token, ..ada.clone() };
    let taken = as_person(sign("HS256", &good, SECRET)).data(WHO, json!({})).await;
    assert_eq!(taken["viewer"]["user"]["username"], "ada", "the forger does it right");

    let mut bad = vec![
        ("another secret", sign("HS256", &good, "another secret, just as long as it")),
        ("another algorithm", sign("HS384", &good, SECRET)),
        ("another algorithm", sign("HS512", &good, SECRET)),
        ("a link", link::issue(&Keys::new(SECRET, None), UserId(ada.key()), "a@b.c", app.app.clock.now()).unwrap()),
    ];
    for changes in [
        json!({ "exp": "left out" }),
        json!({ "exp": null }),
        json!({ "exp": (now + 600).to_string() }),
        json!({ "exp": now - 1 }),
        json!({ "exp": 1e300 }),
        json!({ "exp": -1 }),
        json!({ "aud": "left out" }),
        json!({ "aud": "somebody else" }),
        json!({ "aud": ["somebody else"] }),
        json!({ "aud": "plaza verify-email" }),
        json!({ "iss": "left out" }),
        json!({ "iss": "somebody else" }),
        json!({ "sub": "left out" }),
        json!({ "sub": ada.key() }),
        json!({ "sub": "ada" }),
        json!({ "sid": "left out" }),
        json!({ "sid": "-" }),
    ] {
        bad.push(("claims", sign("HS256", &with(changes), SECRET)));
    }
    // Unsigned, with the signature of something else, and with a header that names another algorithm.
    let (signed, mine) = (bad[0].1.clone(), sign("HS256", &good, SECRET));
    let parts: Vec<&str> = mine.split('.').collect();
    let none = "eyJhbGciOiJub25lIiwidHlwIjoiSldUIn0";
    let rs256 = "eyJhbGciOiJSUzI1NiIsInR5cCI6IkpXVCJ9";
    bad.push(("alg none", format!("{none}.{}.", parts[1])));
    bad.push(("alg none, signed", format!("{none}.{}.{}", parts[1], parts[2])));
    bad.push(("alg swapped", format!("{rs256}.{}.{}", parts[1], parts[2])));
    bad.push(("another's signature", format!("{}.{}.{}", parts[0], parts[1], signed.split('.').nth(2).unwrap())));
    for (what, token) in bad {
        let answer = as_person(token.clone()).run(WHO, json!({})).await;
        assert_eq!((answer.status, answer.code()), (401, "UNAUTHENTICATED"), "{what}: {token}");
        assert_eq!(answer.body.get("data"), None, "{what}");
        let mut socket = Socket::connect(app.address, Some("graphql-transport-ws")).await;
        let payload = json!({ "authorization": format!("Bearer {token}") });
        socket.send(json!({ "type": "connection_init", "payload": payload })).await;
        let (code, reason) = socket.wait_for_close().await;
        let expected = if reason == "token-expired" { 4403 } else { 4401 };
        assert_eq!(code, expected, "{what}: {token}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_rotated_secret_is_good_until_it_is_taken_away() {
    let app = TestApp::start().await;
    let ada = app.as_user("ada").await;
    let code = app.receive_code("new@example.com", "LOGIN", 1).await;
    let next = "another secret of the tests, long enough";
    let rotating =
        TestApp::on_database(app.url.clone(), &[("PLAZA_JWT_SECRET", next), ("PLAZA_JWT_SECRET_PREVIOUS", SECRET)])
            .await;
    let rotated = TestApp::on_database(app.url.clone(), &[("PLAZA_JWT_SECRET", next)]).await;
    assert_eq!(ada.on_instance(rotating.address).run(WHO, json!({})).await.status, 200);
    assert_eq!(ada.on_instance(rotated.address).run(WHO, json!({})).await.status, 401);
    // A code that is on its way as well.
    let by_code = crate::harness::accounts::by_code("new@example.com", &code);
    let made = rotating.payload(crate::harness::accounts::LOGIN, by_code).await;
    assert_eq!(made["user"]["username"], "u10000001");
    let fresh = Person::new(rotated.address, &made);
    assert_eq!(fresh.run(WHO, json!({})).await.status, 200);
    assert_eq!(fresh.on_instance(app.address).run(WHO, json!({})).await.status, 401);
}
