//! An authority of our own, made with openssl, and what it signs: certificates of any name and any time.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

/// In which form a key is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum KeyForm {
    /// P-256 in PKCS #8, as openssl writes it by itself.
    Pkcs8,
    /// P-256 in SEC1, `BEGIN EC PRIVATE KEY`.
    Sec1,
    /// RSA in PKCS #1, `BEGIN RSA PRIVATE KEY`: what AWS hands out.
    Rsa,
}

/// From when until when, as openssl wants it: `YYYYMMDDHHMMSSZ`.
pub type Span = (&'static str, &'static str);

/// As long as anyone will run these tests.
pub const ALWAYS: Span = ("20200101000000Z", "20991231235959Z");
/// Long gone.
pub const PAST: Span = ("20200101000000Z", "20210101000000Z");
/// Not here yet.
pub const FUTURE: Span = ("20980101000000Z", "20991231235959Z");

/// The authority.
#[derive(Debug)]
pub struct Authority {
    dir: PathBuf,
}

impl Authority {
    /// A new one with its files in a directory of its own.
    ///
    /// # Panics
    /// There is no openssl, or the disk refuses.
    pub fn new(dir: &Path, name: &str) -> Self {
        let dir = dir.join(name);
        fs::create_dir_all(&dir).expect("a directory for the authority");
        fs::write(dir.join("index"), "").expect("its index");
        fs::write(dir.join("serial"), "01\n").expect("its serial number");
        let config = "[ca]\ndefault_ca = it\n[it]\ndatabase = index\nserial = serial\nnew_certs_dir = .\n\
                      default_md = sha256\nunique_subject = no\npolicy = any\n[any]\ncommonName = supplied\n";
        fs::write(dir.join("config"), config).expect("its configuration");
        let authority = Self { dir };
        authority.openssl(&format!(
            "req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 30000 -subj /CN={name} \
             -keyout authority.key -out authority.pem"
        ));
        authority
    }

    /// Its own certificate.
    pub fn pem(&self) -> PathBuf {
        self.dir.join("authority.pem")
    }

    /// Signs a certificate for a name; gives the files of the certificate and of its key, which nobody else may read.
    ///
    /// # Panics
    /// openssl refuses.
    pub fn sign(&self, name: &str, (from, until): Span, form: KeyForm) -> (PathBuf, PathBuf) {
        let file = |extension: &str| format!("{name}-{from}-{until}-{form:?}.{extension}");
        let (key, request, certificate) = (file("key"), file("csr"), file("pem"));
        self.openssl(&match form {
            KeyForm::Pkcs8 => {
                format!("genpkey -algorithm EC -pkeyopt ec_paramgen_curve:prime256v1 -out {key}")
            }
            KeyForm::Sec1 => format!("ecparam -name prime256v1 -genkey -noout -out {key}"),
            KeyForm::Rsa => format!("genrsa -traditional -out {key} 2048"),
        });
        self.openssl(&format!("req -new -key {key} -subj /CN={name} -out {request}"));
        // `localhost` and the like are hosts, what else there is are things.
        fs::write(self.dir.join("names"), format!("subjectAltName=DNS:{name}\n")).expect("the names");
        self.openssl(&format!(
            "ca -batch -config config -cert authority.pem -keyfile authority.key -notext -extfile names \
             -startdate {from} -enddate {until} -in {request} -out {certificate}"
        ));
        (self.dir.join(certificate), self.dir.join(key))
    }

    fn openssl(&self, arguments: &str) {
        let made = Command::new("openssl").args(arguments.split_whitespace()).current_dir(&self.dir).output();
        let made = made.expect("there is no openssl on this machine: apt-get install openssl");
        assert!(made.status.success(), "{arguments}: {}", String::from_utf8_lossy(&made.stderr));
    }
}
