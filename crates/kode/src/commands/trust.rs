//! `kode trust`: a person lets this project's configuration take effect. It
//! needs a terminal, so that no script and no agent can do it.

use kode_audit::{AuditLog, Record};
use kode_base::ExitStatus;
use kode_config::TrustOffer;

use super::terminal::require_terminal;
use crate::failure::Failure;
use crate::places::Places;

/// Binds the project's path and the hash of its `kode.json`.
pub(crate) fn run() -> Result<ExitStatus, Failure> {
    require_terminal("trust")?;
    let places = Places::from_environment()?;
    let root = places.project_root()?;
    kode_config::prepare_home(&places.kode_home)?;
    let offer = TrustOffer::read(root.path())?;
    // What is shown is what is bound, whatever happens to the file meanwhile.
    say!("{}\n{}\n", root.path().join("kode.json").display(), offer.text().trim_end());
    let text = offer.accept(&places.kode_home)?;
    let mut audit = AuditLog::open(&places.audit_folder(), "")?;
    audit.append(&Record::Notice { name: "trust.given".to_owned(), text: text.clone() })?;
    say!("{}", kode_base::escape::escape_block(&text));
    Ok(ExitStatus::Success)
}
