//! The TLS certificate, as the clients of this machine judge it.
//!
//! There is no reader of certificates here: what is wrong, until when one holds and for which names it is, rustls says
//! when it verifies one, now and at a later time. What is not trusted is looked at and sent nothing.

use std::{
    io,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use farcall_core::clock::Timestamp;
use rustls::{
    AlertDescription, CertificateError, ClientConfig, DigitallySignedStruct, Error, RootCertStore,
    SignatureScheme,
    client::{
        WebPkiServerVerifier,
        danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier},
    },
    crypto::{CryptoProvider, aws_lc_rs},
    pki_types::{CertificateDer, ServerName, UnixTime},
};
use rustls_platform_verifier::Verifier;
use tokio::{net::TcpStream, time::timeout};
use tokio_rustls::TlsConnector;
use url::Url;

use super::super::finding::Finding;
use crate::words::moment;

const CHECK: &str = "certificate";

/// How long a handshake may take.
const HANDSHAKE: Duration = Duration::from_secs(10);

/// So long before its end a certificate should have been renewed.
const SOON: Duration = Duration::from_hours(3 * 24);

/// What a server has shown.
type Chain = Vec<CertificateDer<'static>>;

/// Shakes hands over `stream`, and judges the certificate; whether clients would go on.
pub(super) async fn look(url: &Url, stream: TcpStream) -> (Finding, bool) {
    let host = url.host_str().unwrap_or_default();
    let provider = Arc::new(aws_lc_rs::default_provider());
    let name = match ServerName::try_from(host.trim_matches(['[', ']']).to_owned()) {
        Ok(name) => name,
        Err(error) => {
            return (
                Finding::unverified(
                    CHECK,
                    format!("`{host}` is no name of a certificate: {error}"),
                ),
                false,
            );
        }
    };
    let trusted = match Verifier::new(Arc::clone(&provider)) {
        Ok(trusted) => trusted,
        Err(error) => {
            let finding = Finding::unverified(CHECK, format!("this machine trusts no authority: {error}"))
                .remedy("install the package ca-certificates, or name a file of authorities in SSL_CERT_FILE");
            return (finding, false);
        }
    };
    let chain = match shown(stream, name.clone(), &provider).await {
        Ok(chain) => chain,
        Err(error) => return (no_handshake(host, &error), false),
    };
    let Some((own, others)) = chain.split_first() else {
        return (
            Finding::broken(CHECK, format!("`{host}` shows no certificate")),
            false,
        );
    };
    let judged = |at| trusted.verify_server_cert(own, others, &name, &[], at);
    let now = UnixTime::now();
    if let Err(error) = judged(now) {
        let is_self_signed = is_own_issuer(own, &name, &provider);
        return (rejected(host, &error, is_self_signed, others.len()), false);
    }
    let later = UnixTime::since_unix_epoch(Duration::from_secs(now.as_secs()) + SOON);
    let finding = match judged(later) {
        Err(Error::InvalidCertificate(CertificateError::ExpiredContext { not_after, .. })) => {
            Finding::warning(
                CHECK,
                format!(
                    "the certificate of `{host}` holds until {}, and that is soon",
                    date(not_after)
                ),
            )
            .cause("it is a short one, or what should renew it does not")
            .remedy("look whether it is renewed by itself: certbot renew --dry-run, or Caddy's log")
        }
        _ => Finding::ok(CHECK, format!("`{host}` has one that this machine trusts")),
    };
    (finding, true)
}

/// The certificates that a server shows, whether they are any good or not.
async fn shown(
    stream: TcpStream,
    name: ServerName<'static>,
    provider: &Arc<CryptoProvider>,
) -> io::Result<Chain> {
    let looking = Arc::new(Looking {
        provider: Arc::clone(provider),
        chain: Mutex::default(),
    });
    let config = ClientConfig::builder_with_provider(Arc::clone(provider))
        .with_safe_default_protocol_versions()
        .map_err(io::Error::other)?
        .dangerous()
        .with_custom_certificate_verifier(Arc::clone(&looking) as Arc<dyn ServerCertVerifier>)
        .with_no_client_auth();
    let connector = TlsConnector::from(Arc::new(config));
    let late = |_| io::Error::new(io::ErrorKind::TimedOut, "the handshake takes too long");
    timeout(HANDSHAKE, connector.connect(name, stream))
        .await
        .map_err(late)??;
    let chain = looking.chain.lock().unwrap_or_else(PoisonError::into_inner);
    Ok(chain.clone())
}

/// Takes any certificate for the length of a handshake, and remembers it. Nothing is sent over such a connection.
#[derive(Debug)]
struct Looking {
    provider: Arc<CryptoProvider>,
    chain: Mutex<Chain>,
}

impl ServerCertVerifier for Looking {
    fn verify_server_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        _: &ServerName<'_>,
        _: &[u8],
        _: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        let chain = std::iter::once(end_entity).chain(intermediates);
        let chain = chain.map(|certificate| certificate.clone().into_owned());
        *self.chain.lock().unwrap_or_else(PoisonError::into_inner) = chain.collect();
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        let algorithms = &self.provider.signature_verification_algorithms;
        rustls::crypto::verify_tls12_signature(message, certificate, signed, algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        let algorithms = &self.provider.signature_verification_algorithms;
        rustls::crypto::verify_tls13_signature(message, certificate, signed, algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.provider
            .signature_verification_algorithms
            .supported_schemes()
    }
}

/// Whether a certificate is signed by its own key: with it as the only authority, its issuer is a known one.
fn is_own_issuer(
    own: &CertificateDer<'static>,
    name: &ServerName<'_>,
    provider: &Arc<CryptoProvider>,
) -> bool {
    let mut roots = RootCertStore::empty();
    if roots.add(own.clone()).is_err() {
        return false;
    }
    let verifier =
        WebPkiServerVerifier::builder_with_provider(Arc::new(roots), Arc::clone(provider)).build();
    let Ok(verifier) = verifier else {
        return false;
    };
    let judged = verifier.verify_server_cert(own, &[], name, &[], UnixTime::now());
    !matches!(
        judged,
        Err(Error::InvalidCertificate(
            CertificateError::UnknownIssuer | CertificateError::BadSignature
        ))
    )
}

fn rejected(host: &str, error: &Error, is_self_signed: bool, others: usize) -> Finding {
    use CertificateError as Fault;
    let broken = |said: String| Finding::broken(CHECK, said);
    let Error::InvalidCertificate(fault) = error else {
        return broken(format!(
            "the certificate of `{host}` is not accepted: {error}"
        ));
    };
    match fault {
        Fault::ExpiredContext { not_after, .. } => broken(format!("the certificate of `{host}` expired on {}", date(*not_after)))
            .cause("nothing has renewed it")
            .remedy("certbot renew, and a look at why its timer did not; Caddy renews by itself while it reaches its authority, and its log says why not"),
        Fault::NotValidYetContext { not_before, .. } => broken(format!("the certificate of `{host}` holds from {} on", date(*not_before)))
            .cause("the clock of this machine is behind, or that of the authority ahead")
            .remedy("set the clock: timedatectl set-ntp true"),
        Fault::NotValidForNameContext { presented, .. } => {
            let presented: Vec<_> = presented.iter().map(|name| format!("`{}`", readable(name))).collect();
            let names = match presented.len() {
                0 => "for no name".to_owned(),
                _ => format!("for {}", presented.join(", ")),
            };
            broken(format!("the certificate is {names}, and not for `{host}`"))
                .cause("the proxy shows that of another site, or the name is more than one level below the zone: a free certificate of Cloudflare covers the zone and *.zone")
                .remedy("use a name one level below the zone (or Advanced Certificate Manager), or let the proxy fetch a certificate for this very name")
        }
        _ if is_self_signed => broken(format!("the certificate of `{host}` is signed by itself"))
            .cause("the proxy made one of its own, as it does until an authority has issued one")
            .remedy("get one of an authority (certbot, Caddy with a public name and port 80 or 443 open); for an authority of your own, name its certificate in SSL_CERT_FILE here and with every client"),
        // The second where an authority of the same name is known.
        Fault::UnknownIssuer | Fault::BadSignature => {
            let finding = broken(format!("the certificate of `{host}` is of an authority that this machine does not trust"));
            let finding = match others {
                0 => finding.cause("the authority is your own, or the proxy does not send the certificates between"),
                _ => finding.cause("the authority is your own, or of a network that looks into TLS"),
            };
            finding.remedy("let the proxy send the whole chain (fullchain.pem of certbot); for an authority of your own, name its certificate in SSL_CERT_FILE here and with every client")
        }
        Fault::Revoked => broken(format!("the certificate of `{host}` was revoked")).remedy("get a new one"),
        _ => broken(format!("the certificate of `{host}` is not accepted: {error}"))
            .cause("it is not made for servers, or damaged")
            .remedy("get one of a public authority, or look at it: openssl s_client -connect HOST:443 -servername HOST"),
    }
}

/// A name as rustls writes it, `DnsName("a.example")`, as people do.
fn readable(name: &str) -> &str {
    let inner = name
        .split_once("(\"")
        .and_then(|(_, rest)| rest.split_once("\")"));
    inner.map_or(name, |(inner, _)| inner)
}

fn no_handshake(host: &str, error: &io::Error) -> Finding {
    let fault = error
        .get_ref()
        .and_then(|inner| inner.downcast_ref::<Error>());
    let broken = |said: &str| Finding::broken(CHECK, format!("no TLS with `{host}`: {said}"));
    match fault {
        Some(Error::AlertReceived(
            AlertDescription::HandshakeFailure | AlertDescription::UnrecognisedName | AlertDescription::InternalError | AlertDescription::AccessDenied,
        )) => broken(&format!("{error}"))
            .cause("there is no certificate for this name yet: it is being issued, or the name is more than one level below the zone, which a free certificate of Cloudflare does not cover")
            .remedy("wait some minutes after the name is new; else use a name one level below the zone, or Advanced Certificate Manager; behind your own proxy, its log says why none was issued"),
        Some(Error::InvalidMessage(_)) => broken("the port does not speak it")
            .cause("a server without a certificate listens where the proxy should, or the port is that of plain HTTP")
            .remedy("put the proxy or the tunnel in front and use its port; for the server itself, write http://"),
        Some(other) => broken(&other.to_string())
            .cause("client and proxy have no version or cipher in common")
            .remedy("let the proxy speak TLS 1.2 and 1.3"),
        None => broken(&error.to_string())
            .cause("the connection is taken and then dropped: nothing serves this name, or a firewall breaks in")
            .remedy("look at the proxy's log, and whether the tunnel runs: cloudflared tunnel info NAME"),
    }
}

fn date(at: UnixTime) -> String {
    let milliseconds = i64::try_from(at.as_secs())
        .unwrap_or(i64::MAX)
        .saturating_mul(1_000);
    moment(Timestamp(milliseconds))
}
