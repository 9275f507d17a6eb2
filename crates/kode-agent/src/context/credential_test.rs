//! Whether a credential stands in a file that programs need and that now and then
//! holds one (`appsettings.json`): what the security scan says.

use kode_base::ProjectPath;
use kode_sandbox::CredentialTest;
use kode_scan::ScanFile;

/// Ids of the scan's rules for credentials begin so.
const RULES: &str = "secret.";

/// The security scan's own judgement.
pub fn credential_test() -> CredentialTest {
    CredentialTest::new(|path: &ProjectPath, content: &[u8]| {
        let report = kode_scan::scan(&[ScanFile { path, content, base: None }]);
        report.introduced.iter().any(|finding| finding.rule.starts_with(RULES))
    })
}
