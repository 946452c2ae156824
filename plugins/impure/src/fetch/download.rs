//! Downloads: `http`, `https` and `file` URLs into a file.

use super::attrs::{Fault, fault};
use super::cache::{Cache, io_fault};
use super::url::Url;
use sha2::{Digest, Sha256};
use std::fs;
use std::io::{self, Read, Write};
use std::path::Path;
use std::sync::OnceLock;
use std::time::Duration;
use tempfile::NamedTempFile;
use ureq::ResponseExt;
use ureq::tls::{Certificate, RootCerts, TlsConfig};

/// How many redirections are followed.
const MAX_REDIRECTS: u32 = 10;
const CONNECT_TIMEOUT: Duration = Duration::from_secs(15);
/// How much of the answer of a server that refuses is shown.
const MAX_SHOWN: u64 = 1024;
/// Where systems keep the certificates that they trust.
const CERTIFICATES: [&str; 4] = [
    "/etc/ssl/certs/ca-certificates.crt",
    "/etc/pki/tls/certs/ca-bundle.crt",
    "/etc/ssl/cert.pem",
    "/nix/var/nix/profiles/default/etc/ssl/certs/ca-bundle.crt",
];

/// A file that has come.
pub struct Download {
    /// Its contents; `None` if the server says that what is known by the etag is still current.
    pub file: Option<NamedTempFile>,
    /// The SHA-256 of it.
    pub digest: [u8; 32],
    /// The server's name of this version; may be empty.
    pub etag: String,
    /// A URL that always leads to this version, if the server knows one.
    pub immutable_url: Option<String>,
}

/// Downloads `url`, unless it is still what bears `etag`.
pub fn download(
    cache: &Cache,
    url: &str,
    headers: &[(String, String)],
    etag: &str,
) -> Result<Download, Fault> {
    if let Ok(parsed) = Url::parse(url, false)
        && parsed.scheme == "file"
    {
        return copy(cache, url, Path::new(&parsed.file_path()));
    }
    let failed = |reason: String| Fault::Other(format!("unable to download '{url}': {reason}"));
    if url.starts_with("https:")
        && let Err(reason) = trusted()
    {
        return Err(failed(reason.clone()));
    }
    let plain = url.split('#').next().unwrap_or(url);
    let mut request = agent().get(plain);
    for (name, value) in headers {
        request = request.header(name, value);
    }
    if !etag.is_empty() {
        request = request.header("If-None-Match", etag);
    }
    let mut response = request.call().map_err(|error| failed(reason(&error)))?;
    let header = |name: &str| {
        let value = response.headers().get(name)?.to_str().ok()?;
        Some(value.to_owned())
    };
    let new_etag = header("etag").unwrap_or_default();
    let immutable_url = header("link").and_then(|link| immutable_link(&link));
    let immutable_url = immutable_url.filter(|_| !response.get_uri().to_string().is_empty());
    let status = response.status().as_u16();
    if status == 304 && !etag.is_empty() {
        return Ok(Download {
            file: None,
            digest: [0; 32],
            etag: etag.to_owned(),
            immutable_url,
        });
    }
    if !(200..300).contains(&status) {
        let mut body = Vec::new();
        let reader = response.body_mut().as_reader();
        let _ = reader.take(MAX_SHOWN).read_to_end(&mut body);
        let body = String::from_utf8_lossy(&body);
        let mut text = format!("HTTP error {status}");
        if !body.trim().is_empty() {
            text = format!("{text}\n\nresponse body:\n\n{}", body.trim_end());
        }
        return Err(failed(text));
    }
    let mut file = cache.scratch_file()?;
    let digest = copy_hashed(&mut response.body_mut().as_reader(), file.as_file_mut())
        .map_err(|error| failed(error.to_string()))?;
    Ok(Download {
        file: Some(file),
        digest,
        etag: new_etag,
        immutable_url,
    })
}

/// Why a server was not reached, as far as Nix's words are known.
fn reason(error: &ureq::Error) -> String {
    match error {
        ureq::Error::Io(error) if error.kind() == io::ErrorKind::ConnectionRefused => {
            "Could not connect to server (7) Connection refused".to_owned()
        }
        ureq::Error::HostNotFound => "Could not resolve hostname (6)".to_owned(),
        other => {
            let text = other.to_string();
            match text.split_once("invalid peer certificate: ") {
                Some((_, why)) => format!("the certificate of the server is not trusted: {why}"),
                None => text,
            }
        }
    }
}

/// A `file` URL.
fn copy(cache: &Cache, url: &str, path: &Path) -> Result<Download, Fault> {
    let opened = fs::metadata(path).and_then(|metadata| {
        // Anything else could keep us waiting, or never end.
        if !metadata.is_file() {
            return Err(io::Error::other("not a file"));
        }
        fs::File::open(path)
    });
    let Ok(mut source) = opened else {
        return fault(format!(
            "unable to download '{url}': Could not read a file:// file (37) Could not open file {}",
            path.display()
        ));
    };
    let mut file = cache.scratch_file()?;
    let digest = copy_hashed(&mut source, file.as_file_mut())
        .map_err(|error| io_fault("reading", path, &error))?;
    Ok(Download {
        file: Some(file),
        digest,
        etag: String::new(),
        immutable_url: None,
    })
}

fn copy_hashed(from: &mut impl Read, to: &mut impl Write) -> io::Result<[u8; 32]> {
    let mut hasher = Sha256::new();
    let mut buffer = vec![0; 1 << 16];
    loop {
        match from.read(&mut buffer)? {
            0 => break,
            count => {
                hasher.update(&buffer[..count]);
                to.write_all(&buffer[..count])?;
            }
        }
    }
    to.flush()?;
    Ok(hasher.finalize().into())
}

/// The URL of `<url>; rel="immutable"`.
fn immutable_link(header: &str) -> Option<String> {
    header.split(',').find_map(|link| {
        let (target, parameters) = link.trim().split_once('>')?;
        let is_immutable = parameters.split(';').any(|parameter| {
            let parameter = parameter.trim();
            parameter == "rel=\"immutable\"" || parameter == "rel=immutable"
        });
        is_immutable.then(|| target.trim_start_matches('<').to_owned())
    })
}

/// The one client of this process.
fn agent() -> &'static ureq::Agent {
    static AGENT: OnceLock<ureq::Agent> = OnceLock::new();
    AGENT.get_or_init(|| {
        // Without any nobody is trusted: also not who a redirection leads to.
        let roots = trusted()
            .clone()
            .unwrap_or_else(|_| RootCerts::new_with_certs(&[]));
        let tls = TlsConfig::builder().root_certs(roots).build();
        let config = ureq::Agent::config_builder()
            .http_status_as_error(false)
            .max_redirects(MAX_REDIRECTS)
            .timeout_connect(Some(CONNECT_TIMEOUT))
            .user_agent(concat!("piton/", env!("CARGO_PKG_VERSION")))
            .tls_config(tls)
            .build();
        ureq::Agent::new_with_config(config)
    })
}

/// The certificates of the file that the environment names, of the system, or else those that come with the library. If the
/// file that is named has none, that is an error: others were not meant.
fn trusted() -> &'static Result<RootCerts, String> {
    static TRUSTED: OnceLock<Result<RootCerts, String>> = OnceLock::new();
    TRUSTED.get_or_init(|| {
        let named = ["NIX_SSL_CERT_FILE", "SSL_CERT_FILE"]
            .into_iter()
            .filter_map(std::env::var_os)
            .find(|file| !file.is_empty());
        if let Some(file) = named {
            let file = Path::new(&file);
            return certificates(file)
                .ok_or_else(|| format!("there are no certificates in '{}'", file.display()));
        }
        let of_system = CERTIFICATES.iter().map(Path::new).find_map(certificates);
        Ok(of_system.unwrap_or(RootCerts::WebPki))
    })
}

/// The certificates in a file, if there are some.
fn certificates(file: &Path) -> Option<RootCerts> {
    let pem = fs::read(file).ok()?;
    let certificates: Vec<Certificate<'static>> = ureq::tls::parse_pem(&pem)
        .filter_map(|item| match item {
            Ok(ureq::tls::PemItem::Certificate(certificate)) => Some(certificate),
            _ => None,
        })
        .collect();
    (!certificates.is_empty()).then(|| RootCerts::new_with_certs(&certificates))
}

#[cfg(test)]
mod tests {
    use super::immutable_link;

    #[test]
    fn links() {
        for (header, expected) in [
            ("<https://x/a>; rel=\"immutable\"", Some("https://x/a")),
            (
                "<https://x/b>; rel=next, <https://x/a?r=1>;rel=immutable",
                Some("https://x/a?r=1"),
            ),
            ("<https://x/b>; rel=next", None),
            ("nonsense", None),
        ] {
            assert_eq!(immutable_link(header).as_deref(), expected, "{header}");
        }
    }
}
