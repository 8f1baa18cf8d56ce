//! Owns the promise that what passes the check can be started: the loader says what the parts would refuse, with its
//! place, beside all else. Does not know the rules of the configuration itself.

use std::fs;

use tempfile::TempDir;

use super::faults;

#[test]
fn what_the_provider_adapter_refuses_is_said_with_its_place_and_beside_all_else() {
    let yaml = "\
oidc:
  providers:
    inside:
      client_id: a
      client_secret: b
      issuer: https://10.0.0.5/realms/main
      clock_leeway: 2m
      scopes: [email, 'two words']
    plain: { client_id: a, client_secret: b, issuer: http://idp.example }
    other: { client_id: a, client_secret: b, issuer: idp.example }
    same: { client_id: a, issuer: idp.example }
log: { format: jason }
";
    assert_eq!(
        faults(yaml, &[]),
        [
            "f.yaml:6:15: oidc.providers.inside.issuer: its host is not public; `allow_private_network: true` is for a provider on the intranet",
            "f.yaml:7:21: oidc.providers.inside.clock_leeway: at most 60 seconds: set the clocks",
            "f.yaml:8:15: oidc.providers.inside.scopes: must contain `openid`",
            "f.yaml:9:54: oidc.providers.plain.issuer: plain http is for `development: true` alone; use https",
            "f.yaml:10:54: oidc.providers.other.issuer: not an address (`https://login.example.com`)",
            "f.yaml:11:11: oidc.providers.same.client_secret: missing: give `client_secret` or `client_secret_file` (public clients are not supported)",
            "f.yaml:11:35: oidc.providers.same.issuer: `other` has the same issuer; one issuer stands for one set of users",
            "f.yaml:12:16: log.format: expected one of json, pretty; did you mean `json`?",
        ]
    );
}

#[test]
fn a_provider_on_the_intranet_or_in_development_passes() {
    let provider = "client_id: a, client_secret: b, issuer:";
    let of = |rest: &str| format!("oidc: {{ providers: {{ a: {{ {provider} {rest} }} }} }}");
    assert_eq!(faults(&of("'https://10.0.0.5/', allow_private_network: true, clock_leeway: 60s"), &[]), [""; 0]);
    assert_eq!(faults(&format!("development: true\n{}", of("'http://10.0.0.5/'")), &[]), [""; 0]);
}

/// A certificate and its key, another's key, and a file with nothing in it.
fn tls_files() -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    let [one, other] = [(); 2].map(|()| rcgen::generate_simple_self_signed(["localhost".to_owned()]).unwrap());
    for (name, text) in [
        ("one.pem", one.cert.pem()),
        ("one.key", one.signing_key.serialize_pem()),
        ("other.key", other.signing_key.serialize_pem()),
        ("empty.pem", String::new()),
    ] {
        fs::write(folder.path().join(name), text).unwrap();
    }
    folder
}

#[test]
fn tls_files_are_read_and_tried() {
    let folder = tls_files();
    let path = |name: &str| folder.path().join(name).display().to_string();
    let with = |cert: &str, key: &str, ca: &str| {
        let [cert, key, ca] = [cert, key, ca].map(path);
        let yaml = format!("server:\n  tls:\n    cert_file: {cert}\n    key_file: {key}\n    client_ca_file: {ca}\n");
        faults(&yaml, &[]).into_iter().map(|line| line.replace(&path(""), "")).collect::<Vec<_>>()
    };
    assert_eq!(with("one.pem", "one.key", "one.pem"), [""; 0]);
    assert_eq!(
        with("none.pem", "none.key", "one.pem"),
        [
            "f.yaml:3:16: server.tls.cert_file: can't read none.pem: No such file or directory (os error 2)",
            "f.yaml:4:15: server.tls.key_file: can't read none.key: No such file or directory (os error 2)",
        ]
    );
    let unfit =
        ["f.yaml:4:15: server.tls.key_file: other.key is the key of another certificate than `cert_file`: bring both \
                  together"];
    assert_eq!(with("one.pem", "other.key", "one.pem"), unfit);
    let none = ["f.yaml:3:16: server.tls.cert_file: empty.pem has no PEM certificate chain, or one that can't be read"];
    assert_eq!(with("empty.pem", "one.key", "one.pem"), none);
    let none = ["f.yaml:4:15: server.tls.key_file: one.pem has no PEM private key, or one that can't be used"];
    assert_eq!(with("one.pem", "one.pem", "one.pem"), none);
    let none = ["f.yaml:5:21: server.tls.client_ca_file: empty.pem has no PEM certificate, or one that can't be read"];
    assert_eq!(with("one.pem", "one.key", "empty.pem"), none);
}

#[test]
fn a_caller_lists_rpcs_of_its_role_or_all_of_them() {
    let with = |rpcs: &str| {
        let hash = "ab".repeat(32);
        faults(&format!("callers: [{{ name: a, role: backend, key_hash: 'sha256:{hash}', rpcs: {rpcs} }}]"), &[])
    };
    for good in ["[]", "['*']", "[SessionService/ValidateSession, gatelodge.v1.TokenService/MintToken]"] {
        assert_eq!(with(good), [""; 0], "{good}");
    }
    for wrong in ["['*', SessionService/Revoke]", "[AdminService/ListUsers]", "[Revoke]"] {
        let found = with(wrong);
        let expected = "callers[0].rpcs[0]: no RPC that the role backend may call; expected one such as \
                        `SessionService/ValidateSession`, or `*` alone";
        assert!(found.len() == 1 && found[0].ends_with(expected), "{found:?}");
    }
}

#[test]
fn the_tls_files_of_redis_are_read_and_tried() {
    let folder = tls_files();
    let path = |name: &str| folder.path().join(name).display().to_string();
    let redis = |tls: &str| format!("store: {{ kind: redis, redis: {{ urls: ['rediss://a'], tls: {{ {tls} }} }} }}");
    let with = |ca: &str, cert: &str, key: &str| {
        let yaml = redis(&format!("ca_file: {}, cert_file: {}, key_file: {}", path(ca), path(cert), path(key)));
        let faults = faults(&yaml, &[]).into_iter();
        faults.map(|line| line.split_once(": ").unwrap().1.replace(&path(""), "")).collect::<Vec<_>>()
    };
    assert_eq!(with("one.pem", "one.pem", "one.key"), [""; 0]);
    assert_eq!(
        with("none.pem", "one.pem", "one.key"),
        ["store.redis.tls.ca_file: can't read none.pem: No such file or directory (os error 2)"]
    );
    assert_eq!(with("empty.pem", "one.pem", "one.key"), ["store.redis.tls.ca_file: has no PEM certificate"]);
    let unfit =
        "store.redis.tls.cert_file: this and `key_file` are no PEM certificate chain and the key that belongs to it";
    assert_eq!(with("one.pem", "one.pem", "other.key"), [unfit]);
    let alone = redis(&format!("cert_file: {}", path("one.pem")));
    let plain = redis(&format!("ca_file: {}", path("one.pem"))).replace("rediss", "redis");
    for (yaml, expected) in [(alone, "store.redis.tls: a certificate and its key"), (plain, "`store.redis.tls` is for")]
    {
        let found = faults(&yaml, &[]);
        assert!(found.len() == 1 && found[0].contains(expected), "{found:?}");
    }
}
