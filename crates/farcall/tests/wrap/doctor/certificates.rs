//! Certificates that are wrong in one way each.

use std::{fs, path::Path, sync::Arc};

use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, IsCa, KeyPair, date_time_ymd};
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use tokio_rustls::TlsAcceptor;

use super::{
    Doctor, Seen,
    front::{saying, secured},
};

/// An authority of the tests.
pub(super) fn authority() -> CertifiedIssuer<'static, KeyPair> {
    let mut params = CertificateParams::new(Vec::new()).unwrap();
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap()
}

pub(super) fn named(name: &str) -> CertificateParams {
    CertificateParams::new(vec![name.to_owned()]).unwrap()
}

pub(super) fn acceptor(certificate: CertificateDer<'static>, key: &KeyPair) -> TlsAcceptor {
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let key = PrivateKeyDer::try_from(key.serialize_der()).unwrap();
    let config = rustls::ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(vec![certificate], key)
        .unwrap();
    TlsAcceptor::from(Arc::new(config))
}

/// A look at `https://localhost`, trusting `authority`.
async fn look(port: u16, authority: &CertifiedIssuer<'static, KeyPair>, folder: &Path) -> Seen {
    let file = folder.join("authority.pem");
    fs::write(&file, authority.pem()).unwrap();
    Doctor::within(folder)
        .argument(format!("https://localhost:{port}/mcp"))
        .variable("SSL_CERT_FILE", file.to_str().unwrap())
        .run()
        .await
}

/// A site with a certificate of the authority.
async fn site(params: CertificateParams, authority: &CertifiedIssuer<'static, KeyPair>) -> u16 {
    let key = KeyPair::generate().unwrap();
    let certificate = params.signed_by(&key, authority).unwrap();
    secured(acceptor(certificate.der().clone(), &key)).await
}

#[tokio::test]
async fn each_way_to_be_wrong_is_told_from_the_others() {
    let (authority, folder) = (authority(), tempfile::tempdir().unwrap());
    let folder = folder.path();

    // First that a good one is one: then the hop behind it is reached, which is broken here.
    let port = site(named("localhost"), &authority).await;
    let seen = look(port, &authority, folder).await;
    seen.says("certificate", "ok", "this machine trusts", "");
    seen.is_broken_at("edge", "530", "cloudflared tunnel info");

    let mut over = named("localhost");
    over.not_before = date_time_ymd(2024, 1, 1);
    over.not_after = date_time_ymd(2024, 3, 31);
    let port = site(over, &authority).await;
    look(port, &authority, folder).await.is_broken_at(
        "certificate",
        "expired on 2024-03-31",
        "certbot renew",
    );

    let mut early = named("localhost");
    early.not_before = date_time_ymd(2999, 1, 1);
    early.not_after = date_time_ymd(2999, 12, 31);
    let port = site(early, &authority).await;
    look(port, &authority, folder).await.is_broken_at(
        "certificate",
        "holds from 2999-01-01",
        "set the clock",
    );

    let port = site(named("other.example.com"), &authority).await;
    let seen = look(port, &authority, folder).await;
    seen.is_broken_at(
        "certificate",
        "for `other.example.com`, and not for `localhost`",
        "one level below the zone",
    );

    let foreign = self::authority();
    let port = site(named("localhost"), &foreign).await;
    let seen = look(port, &authority, folder).await;
    seen.is_broken_at("certificate", "does not trust", "fullchain.pem");
    seen.says("path", "unverified", "were not looked at", "");
}

#[tokio::test]
async fn one_that_is_signed_by_itself() {
    let (authority, folder) = (authority(), tempfile::tempdir().unwrap());
    for is_ca in [IsCa::NoCa, IsCa::Ca(BasicConstraints::Unconstrained)] {
        let key = KeyPair::generate().unwrap();
        let mut params = named("localhost");
        params.is_ca = is_ca;
        let certificate = params.self_signed(&key).unwrap();
        let port = secured(acceptor(certificate.der().clone(), &key)).await;
        let seen = look(port, &authority, folder.path()).await;
        seen.is_broken_at("certificate", "is signed by itself", "of an authority");
    }
}

#[tokio::test]
async fn one_that_is_not_issued_yet_and_a_port_without_tls() {
    let (authority, folder) = (authority(), tempfile::tempdir().unwrap());
    // A fatal alert, handshake_failure (RFC 8446 section 6.2).
    let port = saying(&[0x15, 3, 3, 0, 2, 2, 40]).await;
    let seen = look(port, &authority, folder.path()).await;
    seen.is_broken_at(
        "certificate",
        "no certificate for this name yet",
        "wait some minutes",
    );
    let port = saying(b"HTTP/1.1 400 Bad Request\r\n\r\n").await;
    let seen = look(port, &authority, folder.path()).await;
    seen.is_broken_at("certificate", "does not speak it", "http://");
    let port = saying(b"").await;
    let seen = look(port, &authority, folder.path()).await;
    seen.is_broken_at(
        "certificate",
        "taken and then dropped",
        "cloudflared tunnel info",
    );
}
