use std::collections::BTreeMap;

use proptest::prelude::*;

use super::*;
use crate::Rule;
use crate::assessment::{KnownWord, QuestionKind};

fn words(text: &str) -> Vec<KnownWord> {
    text.split(' ').map(|word| KnownWord::Exact(word.to_owned())).collect()
}

fn assessed(command: &str, class: RiskClass) -> Assessment {
    Assessment {
        units: vec![Unit {
            argv: words(command),
            ..Unit::of_class(class, "because".to_owned(), Some(TrustScope::Class(class)))
        }],
        command: Some(command.to_owned()),
        at_root: true,
        ..Assessment::default()
    }
}

fn layer(layer: Layer) -> LayerPolicy {
    LayerPolicy {
        layer,
        trusted: layer != Layer::Project,
        classes: BTreeMap::new(),
        allowlist: Vec::new(),
        denylist: Vec::new(),
        rules: Vec::new(),
    }
}

fn rule(pattern: &str, action: Verdict) -> Rule {
    Rule {
        name: "r".to_owned(),
        command: pattern.split(' ').map(str::to_owned).collect(),
        action,
        reason: "said so".to_owned(),
        matching: Vec::new(),
        not_matching: Vec::new(),
    }
}

fn verdict(assessment: &Assessment, layers: Vec<LayerPolicy>) -> Verdict {
    resolve(assessment, &Policy { layers, non_interactive: None, ..Policy::default() }, false)
        .verdict
}

fn push() -> Assessment {
    assessed("git push", RiskClass::NetworkEgress)
}

#[test]
fn the_defaults_are_those_of_the_table() {
    let answers: Vec<Verdict> =
        RiskClass::ALL.into_iter().map(|class| verdict(&assessed("x", class), vec![])).collect();
    use Verdict::{Allow, Deny, Prompt};
    assert_eq!(answers, [Allow, Allow, Prompt, Prompt, Prompt, Prompt, Deny, Deny]);
}

#[test]
fn the_user_may_loosen_a_default_but_not_the_managed_layer() {
    let mut managed = layer(Layer::Managed);
    let mut user = layer(Layer::User);
    user.classes.insert(RiskClass::NetworkEgress, Verdict::Allow);
    assert_eq!(verdict(&push(), vec![user.clone()]), Verdict::Allow);
    managed.classes.insert(RiskClass::NetworkEgress, Verdict::Prompt);
    assert_eq!(verdict(&push(), vec![managed, user]), Verdict::Prompt);
}

#[test]
fn an_untrusted_project_only_tightens() {
    let mut project = layer(Layer::Project);
    project.classes.insert(RiskClass::NetworkEgress, Verdict::Allow);
    project.allowlist.push("git push".to_owned());
    project.rules.push(rule("git **", Verdict::Allow));
    assert_eq!(verdict(&push(), vec![project.clone()]), Verdict::Prompt);
    project.classes.insert(RiskClass::NetworkEgress, Verdict::Deny);
    assert_eq!(verdict(&push(), vec![project.clone()]), Verdict::Deny);
    project.classes.clear();
    project.trusted = true;
    assert_eq!(verdict(&push(), vec![project]), Verdict::Allow);
}

#[test]
fn an_allowlist_entry_beats_class_and_lower_lists_but_no_higher_layer() {
    let mut user = layer(Layer::User);
    user.allowlist.push("git push".to_owned());
    user.denylist.push("git push".to_owned());
    user.classes.insert(RiskClass::NetworkEgress, Verdict::Deny);
    let mut project = layer(Layer::Project);
    project.denylist.push("git push".to_owned());
    assert_eq!(verdict(&push(), vec![user.clone(), project]), Verdict::Allow);
    let mut managed = layer(Layer::Managed);
    managed.denylist.push("git push".to_owned());
    assert_eq!(verdict(&push(), vec![managed, user.clone()]), Verdict::Deny);
    let mut managed = layer(Layer::Managed);
    managed.classes.insert(RiskClass::NetworkEgress, Verdict::Prompt);
    assert_eq!(verdict(&push(), vec![managed, user.clone()]), Verdict::Deny);
    let mut managed = layer(Layer::Managed);
    managed.rules.push(rule("git push", Verdict::Deny));
    assert_eq!(verdict(&push(), vec![managed, user]), Verdict::Deny);
}

#[test]
fn an_allowlist_entry_is_the_exact_bytes_at_the_root_and_lapses() {
    let mut user = layer(Layer::User);
    user.allowlist.push("git push".to_owned());
    let policy = Policy { layers: vec![user], non_interactive: None, ..Policy::default() };
    let longer = assessed("git push ", RiskClass::NetworkEgress);
    assert_eq!(resolve(&longer, &policy, false).verdict, Verdict::Prompt);
    assert_eq!(resolve(&push(), &policy, true).verdict, Verdict::Prompt);
    let deeper = Assessment { at_root: false, ..push() };
    assert_eq!(resolve(&deeper, &policy, false).verdict, Verdict::Prompt);
}

#[test]
fn an_allowlist_entry_answers_no_guard_question() {
    let mut user = layer(Layer::User);
    user.allowlist.push("git push".to_owned());
    let question = Question { kind: QuestionKind::Secret, text: "a secret".to_owned() };
    let asked = Assessment { questions: vec![question], ..push() };
    let judgement = resolve(
        &asked,
        &Policy { layers: vec![user], non_interactive: None, ..Policy::default() },
        false,
    );
    assert_eq!(judgement.verdict, Verdict::Prompt);
    assert!(!judgement.class_question);
    assert_eq!(judgement.trust, None);
}

#[test]
fn the_strictest_rule_wins_and_order_does_not_matter() {
    let rules = [
        rule("git **", Verdict::Allow),
        rule("git push", Verdict::Deny),
        rule("git *", Verdict::Prompt),
    ];
    for order in [[0, 1, 2], [2, 1, 0], [1, 2, 0]] {
        let mut user = layer(Layer::User);
        user.rules = order.iter().map(|at| rules[*at].clone()).collect();
        assert_eq!(verdict(&push(), vec![user]), Verdict::Deny);
    }
}

#[test]
fn a_prompt_rule_never_weakens_a_denied_class() {
    let wipe = assessed("rm -rf /opt/x", RiskClass::Destructive);
    let mut user = layer(Layer::User);
    user.rules.push(rule("rm **", Verdict::Prompt));
    assert_eq!(verdict(&wipe, vec![user.clone()]), Verdict::Deny);
    user.rules = vec![rule("rm **", Verdict::Allow)];
    assert_eq!(verdict(&wipe, vec![user]), Verdict::Allow);
}

#[test]
fn an_allow_rule_must_cover_the_whole_known_command() {
    let mut user = layer(Layer::User);
    user.rules.push(rule("git push", Verdict::Allow));
    assert_eq!(verdict(&push(), vec![user.clone()]), Verdict::Allow);
    let longer = assessed("git push evil", RiskClass::NetworkEgress);
    assert_eq!(verdict(&longer, vec![user.clone()]), Verdict::Prompt);
    let mut unknown = push();
    unknown.units[0].argv[1] = KnownWord::Prefix("push".to_owned());
    assert_eq!(verdict(&unknown, vec![user.clone()]), Verdict::Prompt);
    user.rules = vec![rule("git pushed", Verdict::Deny)];
    assert_eq!(verdict(&unknown, vec![user]), Verdict::Deny);
}

#[test]
fn an_allow_rule_for_a_wrapper_covers_what_it_starts() {
    let mut sudo = assessed("sudo id", RiskClass::SystemWrite);
    sudo.units.push(Unit {
        argv: words("id"),
        parent: Some(0),
        ..Unit::of_class(RiskClass::SystemWrite, String::new(), None)
    });
    let mut user = layer(Layer::User);
    user.rules.push(rule("sudo id", Verdict::Allow));
    assert_eq!(verdict(&sudo, vec![user.clone()]), Verdict::Allow);
    user.rules = vec![rule("id", Verdict::Allow)];
    assert_eq!(verdict(&sudo, vec![user]), Verdict::Prompt);
}

#[test]
fn a_refusal_stands_above_every_list_and_rule() {
    let mut user = layer(Layer::User);
    user.allowlist.push("git push".to_owned());
    user.rules.push(rule("git **", Verdict::Allow));
    for class in RiskClass::ALL {
        user.classes.insert(class, Verdict::Allow);
    }
    let refusal =
        Refusal { name: "reverse_shell", class: RiskClass::CodeExecution, text: String::new() };
    let refused = Assessment { refusal: Some(refusal), ..push() };
    assert_eq!(verdict(&refused, vec![user]), Verdict::Refuse);
}

#[test]
fn trust_is_offered_only_where_one_scope_covers_every_prompt() {
    let policy = Policy::default();
    let offered = resolve(&push(), &policy, false).trust;
    assert_eq!(offered, Some(TrustScope::Class(RiskClass::NetworkEgress)));
    let mut two = push();
    two.units.extend(assessed("npm i", RiskClass::Install).units);
    assert_eq!(resolve(&two, &policy, false).trust, None);
    let mut prompting = layer(Layer::User);
    prompting.classes.insert(RiskClass::Destructive, Verdict::Prompt);
    let policy = Policy { layers: vec![prompting], non_interactive: None, ..Policy::default() };
    let wipe = resolve(&assessed("x", RiskClass::Destructive), &policy, false);
    assert_eq!((wipe.verdict, wipe.trust), (Verdict::Prompt, None));
}

fn any_class() -> impl Strategy<Value = RiskClass> {
    prop::sample::select(RiskClass::ALL.to_vec())
}

fn any_verdict() -> impl Strategy<Value = Verdict> {
    prop::sample::select(vec![Verdict::Allow, Verdict::Prompt, Verdict::Deny])
}

fn any_command() -> impl Strategy<Value = String> {
    prop::sample::select(vec!["a", "a b", "a b c", "b", "b c"]).prop_map(str::to_owned)
}

fn any_rule() -> impl Strategy<Value = Rule> {
    let patterns = vec!["a", "a b", "a *", "a **", "* c", "b **", "**"];
    (prop::sample::select(patterns), any_verdict()).prop_map(|(text, action)| rule(text, action))
}

fn any_layer(which: Layer) -> impl Strategy<Value = LayerPolicy> {
    let classes = prop::collection::btree_map(any_class(), any_verdict(), 0..5);
    let lists = || prop::collection::vec(any_command(), 0..2);
    let rules = prop::collection::vec(any_rule(), 0..4);
    (classes, lists(), lists(), rules).prop_map(move |(classes, allowlist, denylist, rules)| {
        LayerPolicy { classes, allowlist, denylist, rules, ..layer(which) }
    })
}

fn any_assessment() -> impl Strategy<Value = Assessment> {
    prop::collection::vec((any_command(), any_class()), 1..4).prop_map(|parts| {
        let mut whole = assessed(&parts[0].0, parts[0].1);
        for (command, class) in &parts[1..] {
            whole.units.extend(assessed(command, *class).units);
        }
        whole
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    #[test]
    fn adding_a_deny_or_prompt_rule_never_weakens(
        assessment in any_assessment(),
        managed in any_layer(Layer::Managed),
        user in any_layer(Layer::User),
        added in any_rule(),
        to_user: bool,
    ) {
        prop_assume!(added.action > Verdict::Allow);
        let before = verdict(&assessment, vec![managed.clone(), user.clone()]);
        let (mut managed, mut user) = (managed, user);
        if to_user { user.rules.push(added) } else { managed.rules.push(added) }
        prop_assert!(verdict(&assessment, vec![managed, user]) >= before);
    }

    #[test]
    fn adding_an_untrusted_project_layer_never_weakens(
        assessment in any_assessment(),
        managed in any_layer(Layer::Managed),
        user in any_layer(Layer::User),
        project in any_layer(Layer::Project),
    ) {
        let before = verdict(&assessment, vec![managed.clone(), user.clone()]);
        prop_assert!(verdict(&assessment, vec![managed, user, project]) >= before);
    }

    #[test]
    fn no_lower_layer_loosens_a_higher_explicit_class(
        class in any_class(),
        said in any_verdict(),
        user in any_layer(Layer::User),
        trusted: bool,
        project in any_layer(Layer::Project),
    ) {
        let mut managed = layer(Layer::Managed);
        managed.classes.insert(class, said);
        let project = LayerPolicy { trusted, ..project };
        prop_assert!(verdict(&assessed("a b", class), vec![managed, user, project]) >= said);
    }

    #[test]
    fn adding_a_part_to_a_command_never_weakens(
        first in any_assessment(),
        second in any_assessment(),
        user in any_layer(Layer::User),
    ) {
        let alone = LayerPolicy { allowlist: Vec::new(), ..user };
        let before = verdict(&first, vec![alone.clone()]);
        let mut both = first.clone();
        both.units.extend(second.units);
        prop_assert!(verdict(&both, vec![alone]) >= before);
    }
}

/// The verdict on a real command line under one user layer.
fn judged(command: &str, user: LayerPolicy) -> Verdict {
    let state = crate::SessionState {
        project_root: "/work/app".to_owned(),
        home: "/home/dev".to_owned(),
        kode_home: "/home/dev/.kode".to_owned(),
        ..crate::SessionState::default()
    };
    let policy = Policy { layers: vec![user], non_interactive: None, ..Policy::default() };
    crate::policy_check::check(command, &policy, &state).verdict
}

#[test]
fn the_strictest_of_an_actions_classes_decides_not_the_worst() {
    let mut user = layer(Layer::User);
    user.classes.insert(RiskClass::NetworkEgress, Verdict::Allow);
    assert_eq!(judged("ssh h date", user.clone()), Verdict::Allow);
    assert_eq!(judged("ssh -o ProxyCommand=./x h", user.clone()), Verdict::Prompt);
    user.classes.insert(RiskClass::CodeExecution, Verdict::Deny);
    assert_eq!(judged("ssh -o ProxyCommand=./x h", user.clone()), Verdict::Deny);
    assert_eq!(judged("curl --engine ./x https://h", user), Verdict::Deny);
}

#[test]
fn an_allow_rule_covers_neither_redirections_nor_variables_nor_what_follows() {
    let mut user = layer(Layer::User);
    user.rules.push(rule("npm run deploy", Verdict::Allow));
    user.rules.push(rule("npm run deploy **", Verdict::Allow));
    assert_eq!(judged("npm run deploy", user.clone()), Verdict::Allow);
    assert_eq!(judged("npm run deploy -- --prod > out.log 2>&1", user.clone()), Verdict::Allow);
    for more in [
        "npm run deploy > /etc/cron.d/x",
        "npm run deploy >> ~/.bashrc",
        "LD_PRELOAD=./x.so npm run deploy",
        "PATH=/tmp/x:$PATH npm run deploy",
        "npm run deploy $(python3 -c 'x')",
        "npm run deploy <(curl https://h)",
        "npm run deploy; python3 x.py",
        "npm run deploy & ./x",
        "cd /tmp/x && npm run deploy || ./y",
        "function npm { ./x; }; npm run deploy",
        "npm() { ./x; }; npm run deploy",
        "alias npm=./x; npm run deploy",
    ] {
        assert!(judged(more, user.clone()) > Verdict::Allow, "{more}");
    }
}

#[test]
fn a_strict_rule_holds_for_every_spelling_of_its_command() {
    let spellings = [
        ("git push", "git -C . push"),
        ("git push", "git --no-pager -c color.ui=never push origin"),
        ("git push", "sudo -u x git push"),
        ("git push", "true; { (git push) & }"),
        ("git push", "xargs -I{} git push {} < a"),
        ("git push", "find . -exec git push {} +"),
        ("git push", "bash -c 'git push'"),
        ("git push", "g=git; $g push"),
        ("git push", "g\\it pu''sh"),
        ("git push", "alias g='git push'\ng"),
        ("git push", "f() { git \"$@\"; }; f push"),
        ("npm install", "npm i lodash"),
        ("npm i", "npm install lodash"),
        ("npm install", "npm --prefix . add lodash"),
        ("pip install", "pip3 install x"),
        ("pip install", "python3 -m pip install x"),
        ("pip install", "/usr/bin/python3 -m pip install x"),
        ("docker run", "docker container run x"),
        ("docker rm", "docker --context x rm y"),
        ("kubectl delete", "kubectl -n prod delete pod x"),
        ("cargo run", "cargo +nightly r"),
        ("apt install", "apt-get -y install x"),
    ];
    for (pattern, command) in spellings {
        let mut user = layer(Layer::User);
        user.rules.push(rule(pattern, Verdict::Deny));
        assert!(judged(command, user) >= Verdict::Deny, "{pattern}: {command}");
    }
    let mut user = layer(Layer::User);
    user.rules.push(rule("git push", Verdict::Deny));
    for other in ["git -C . status", "git stash push", "echo git push", "npm run push"] {
        assert!(judged(other, user.clone()) < Verdict::Deny, "{other}");
    }
}

#[test]
fn no_number_of_commands_hides_one_from_the_rules() {
    let mut user = layer(Layer::User);
    user.rules.push(rule("git push", Verdict::Deny));
    user.rules.push(rule("make deploy", Verdict::Allow));
    user.denylist.push("./run".to_owned());
    let many = |count: usize, last: &str| format!("{}make deploy; {last}", ":;".repeat(count));
    for count in [0, 255, 256, 300, 1_500] {
        assert_eq!(judged(&many(count, "git push"), user.clone()), Verdict::Deny, "{count}");
        assert_eq!(judged(&many(count, "./run"), user.clone()), Verdict::Deny, "{count}");
        assert!(judged(&many(count, "python3 x"), user.clone()) > Verdict::Allow, "{count}");
    }
    assert!(judged(&many(5_000, "git push"), user) > Verdict::Allow);
}
