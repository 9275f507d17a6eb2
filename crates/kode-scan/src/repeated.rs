//! One path or address that is used in several places is one flaw: `file.exists()`,
//! `file.delete()` and `new FileInputStream(file)` of the same `file` are shown as one
//! finding that names each place. Nothing is left out, and what is silenced or older is not
//! looked at.

use std::collections::HashMap;

use kode_base::{Finding, FlowStep, Severity};

use crate::Category;

/// How a step begins that gives a value a name, and one that hands it on.
const NAMED: &str = "it flows into";
const HANDED: &str = "it is passed to";
/// How the last step begins, and how it is told of the further places.
const REACHES: &str = "it reaches";
const ALSO: &str = "it also reaches";
/// Calls that only ask about a file: another use stands for them.
const ASKING: [&str; 17] = [
    "exists",
    "isDirectory",
    "isFile",
    "canRead",
    "canWrite",
    "length",
    "lastModified",
    "existsSync",
    "access",
    "accessSync",
    "stat",
    "statSync",
    "lstat",
    "lstatSync",
    "Stat",
    "Lstat",
    "isfile",
];
/// Places that one finding names besides its own.
const PLACES_MAX: usize = 40;

/// Puts findings together that are about the same path or address.
pub(crate) fn merge(findings: &mut Vec<Finding>) {
    let mut groups: HashMap<String, Vec<usize>> = HashMap::new();
    for (at, finding) in findings.iter().enumerate() {
        if let Some(value) = value_named(finding) {
            groups.entry(key(&finding.rule, value)).or_default().push(at);
        }
    }
    let mut gone = vec![false; findings.len()];
    for group in groups.into_values().filter(|group| group.len() > 1) {
        let uses = |at: &&usize| !ASKING.iter().any(|name| reaches(&findings[**at], name));
        let shown = group.iter().find(uses).unwrap_or(&group[0]).to_owned();
        let mut all = vec![findings[shown].fingerprint.clone()];
        let others = group.into_iter().filter(|at| *at != shown).take(PLACES_MAX);
        for other in others {
            let place = findings[other].flow.last().map(|step| FlowStep {
                text: step.text.replacen(REACHES, ALSO, 1),
                ..step.clone()
            });
            findings[shown].flow.extend(place);
            all.push(findings[other].fingerprint.clone());
            gone[other] = true;
        }
        // With one more place it is no longer the finding that somebody knows.
        findings[shown].fingerprint = crate::raw::fingerprint(&all.join(" "), 1);
    }
    let mut kept = gone.iter().map(|gone| !gone);
    findings.retain(|_| kept.next().unwrap_or(true));
}

fn key(rule: &str, steps: &[FlowStep]) -> String {
    let place = |step: &FlowStep| {
        let (path, span) = (step.path.as_str(), &step.span);
        format!("\0{path}\0{}:{}\0{}", span.start_line, span.start_column, step.text)
    };
    std::iter::once(rule.to_owned()).chain(steps.iter().map(place)).collect()
}

/// How the value came to be that is used: the steps until it last got a name. What only
/// becomes dangerous where it is used (a query, markup, a command) is not asked about: each
/// such place has to be mended.
fn value_named(finding: &Finding) -> Option<&[FlowStep]> {
    const OF_THE_VALUE: [Category; 2] = [Category::PathTraversal, Category::OpenRedirect];
    let is_one = OF_THE_VALUE.iter().any(|category| category.rule() == finding.rule);
    if finding.severity != Severity::Fatal || !is_one {
        return None;
    }
    let (last, mut steps) = finding.flow.split_last()?;
    if !last.text.starts_with(REACHES) {
        return None;
    }
    while let Some((step, before)) = steps.split_last() {
        if step.text.starts_with(NAMED) {
            return Some(steps);
        }
        if !step.text.starts_with(HANDED) {
            return None;
        }
        steps = before;
    }
    None
}

fn reaches(finding: &Finding, name: &str) -> bool {
    let quoted = finding.flow.last().and_then(|step| step.text.split('`').nth(1));
    quoted == Some(name)
}

#[cfg(test)]
mod tests {
    use kode_base::ProjectPath;

    use super::*;
    use crate::{ScanFile, scan};

    fn found(path: &str, text: &str) -> Vec<Finding> {
        let path = ProjectPath::new(path).unwrap();
        scan(&[ScanFile { path: &path, content: text.as_bytes(), base: None }]).introduced
    }

    const SERVLET: &str = "class A extends HttpServlet { protected void doGet(HttpServletRequest q, HttpServletResponse p) throws Exception {\n";

    #[test]
    fn uses_of_one_path_are_one_finding_that_names_each() {
        let body = "File f = new File(\"/d\", q.getParameter(\"n\"));\nif (f.exists()) {\n f.delete();\n}\nkeep(f);\n}\nvoid keep(File f) throws Exception { f.renameTo(new File(\"/e\")); } }";
        let found_in = |body: &str| found("A.java", &format!("{SERVLET}{body}"));
        let found = found_in(body);
        assert_eq!(found.len(), 1, "{found:#?}");
        assert_eq!(found[0].span.start_line, 4);
        let also = found[0].flow.iter().filter(|step| step.text.starts_with(ALSO));
        let also: Vec<_> = also.map(|step| (step.span.start_line, step.text.as_str())).collect();
        let fewer = found_in(&body.replace("f.delete();", "")).remove(0);
        assert_ne!(fewer.fingerprint, found[0].fingerprint);
        let expected =
            [(3, "it also reaches `exists` here"), (8, "it also reaches `renameTo` here")];
        assert_eq!(also, expected);
    }

    #[test]
    fn paths_that_are_made_apart_are_findings_of_their_own() {
        let body = "File f = new File(\"/d\", q.getParameter(\"n\"));\nf.delete();\nFile g = new File(\"/d\", q.getParameter(\"n\"));\ng.delete();\nFile h = new File(\"/e\", q.getParameter(\"m\"));\nh.exists();\n} }";
        assert_eq!(found("A.java", &format!("{SERVLET}{body}")).len(), 3);
    }

    #[test]
    fn each_query_of_one_value_is_a_finding() {
        let body = "String n = q.getParameter(\"n\");\nStatement s = c.createStatement();\ns.execute(\"select \" + n);\ns.execute(\"delete \" + n);\n} Connection c; }";
        assert_eq!(found("A.java", &format!("{SERVLET}{body}")).len(), 2);
    }
}
