//! `kode trust`: a person lets this project's configuration take effect. It
//! needs a terminal, so that no script and no agent can do it.

use kode_audit::{AuditLog, Record};
use kode_base::ExitStatus;
use kode_config::{Dockerfile, TrustOffer};

use super::terminal::require_terminal;
use crate::failure::Failure;
use crate::places::Places;

/// Binds the project's path and the hashes of its `kode.json` and
/// `Dockerfile.kode`.
pub(crate) fn run() -> Result<ExitStatus, Failure> {
    require_terminal("trust")?;
    let places = Places::from_environment()?;
    let root = places.project_root()?;
    kode_config::prepare_home(&places.kode_home)?;
    let dockerfile = Dockerfile::read(root.path())?;
    let offer = match TrustOffer::read(root.path()) {
        Err(_) if dockerfile.is_some() && !root.path().join("kode.json").exists() => None,
        offer => Some(offer?),
    };
    let mut sentences = Vec::new();
    // What is shown is what is bound, whatever happens to the file meanwhile.
    if let Some(offer) = offer {
        say!("{}\n{}\n", root.path().join("kode.json").display(), offer.text().trim_end());
        sentences.push(offer.accept(&places.kode_home)?);
    }
    if let Some(file) = dockerfile {
        say!("{}\n{}\n", root.path().join("Dockerfile.kode").display(), file.text().trim_end());
        sentences.push(file.accept(&places.kode_home)?);
    }
    let mut audit = AuditLog::open(&places.audit_folder(), "")?;
    for text in sentences {
        audit.append(&Record::Notice { name: "trust.given".to_owned(), text: text.clone() })?;
        say!("{}", kode_base::escape::escape_block(&text));
    }
    Ok(ExitStatus::Success)
}
