//! TLS before a server that speaks plain HTTP, as a proxy or Azure's front ends it, for one name
//! that does not exist.
//!
//! It passes bytes on and looks at none of them: no header field says that it was there, and `Host`
//! is what the browser asked for.

use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;

use anyhow::Context as _;
use aws_lc_rs::digest::{SHA256, digest};
use data_encoding::BASE64;
use rcgen::{CertificateParams, KeyPair, PublicKeyData as _};
use tokio::io::copy_bidirectional;
use tokio::net::{TcpListener, TcpStream};
use tokio::task::{JoinHandle, JoinSet};
use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::ServerConfig;
use tokio_rustls::rustls::pki_types::PrivateKeyDer;
use url::Url;

/// A front with a certificate of its own. Dropping it ends it, with all its connections.
#[derive(Debug)]
pub struct Front {
    name: String,
    address: SocketAddr,
    fingerprint: String,
    accepting: JoinHandle<()>,
}

impl Front {
    /// Starts one before the server at this address of the loopback, with a new certificate for
    /// this name.
    ///
    /// # Errors
    /// Where the address is none, or no port can be had.
    pub async fn start(name: &str, server: &Url) -> anyhow::Result<Self> {
        let server = *server.socket_addrs(|| None)?.first().context("the server has no address")?;
        let key = KeyPair::generate()?;
        let fingerprint = BASE64.encode(digest(&SHA256, &key.subject_public_key_info()).as_ref());
        let certificate = CertificateParams::new([name.to_owned()])?.self_signed(&key)?;
        let private = PrivateKeyDer::try_from(key.serialize_der()).map_err(anyhow::Error::msg)?;
        let config = ServerConfig::builder()
            .with_no_client_auth()
            .with_single_cert(vec![certificate.der().clone()], private)?;
        let acceptor = TlsAcceptor::from(Arc::new(config));
        let socket = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?;
        let address = socket.local_addr()?;
        let accepting = tokio::spawn(async move {
            // The connections live in this task: when it ends, they end.
            let mut connections = JoinSet::new();
            loop {
                while connections.try_join_next().is_some() {}
                let Ok((stream, _)) = socket.accept().await else { continue };
                connections.spawn(pass(acceptor.clone(), stream, server));
            }
        });
        Ok(Self { name: name.to_owned(), address, fingerprint, accepting })
    }

    /// The name in its certificate.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Scheme and name, as a person's browser gets them: it finds the port by what
    /// [`Browser`](crate::browser::Browser) knows of this front.
    pub fn url(&self) -> Url {
        Url::parse(&format!("https://{}/", self.name)).expect("a name is a host")
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// SHA-256 of the public key (SPKI), in base64: the browser gets it to trust the key.
    pub fn fingerprint(&self) -> &str {
        &self.fingerprint
    }
}

async fn pass(acceptor: TlsAcceptor, stream: TcpStream, server: SocketAddr) {
    // An error here is a connection that either side has cut: it is not reported.
    let (Ok(mut outside), Ok(mut inside)) =
        (acceptor.accept(stream).await, TcpStream::connect(server).await)
    else {
        return;
    };
    let _ = copy_bidirectional(&mut outside, &mut inside).await;
}

impl Drop for Front {
    fn drop(&mut self) {
        self.accepting.abort();
    }
}
