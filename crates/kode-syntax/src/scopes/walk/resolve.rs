//! What each reference means, once the whole tree has been walked.

use std::collections::HashMap;
use std::ops::Range;

use super::{Called, DeclaredId, KEY, KeywordArgument, ScopeId, ScopeKind, TYPE, VALUE, Walk};
use crate::Language;
use crate::macro_text::{MacroHazards, macro_definitions};
use crate::scopes::{Binding, BindingKind, Doubt, NamedArgument, Occurrence, Scopes};

impl Walk<'_> {
    /// What `name` means at `at`, seen from `scope`.
    pub(in crate::scopes) fn lookup(
        &self,
        mut scope: ScopeId,
        name: &str,
        at: usize,
        spaces: u8,
    ) -> Option<DeclaredId> {
        let (mut crossed_function, mut crossed_item) = (false, false);
        loop {
            let here = &self.scopes[scope];
            let hidden = here.kind == ScopeKind::HiddenClass && crossed_function;
            if let Some(target) = here.redirects.get(name) {
                let target = (*target).or(here.parent)?;
                // Scopes are numbered outside in, so this ends.
                return if target < scope { self.lookup(target, name, at, spaces) } else { None };
            }
            let seen = |id: &DeclaredId| {
                let declared = &self.declared[*id];
                let local = matches!(declared.kind, BindingKind::Local | BindingKind::Parameter);
                declared.spaces & spaces != 0
                    && declared.visible.contains(&at)
                    && !(crossed_item && local)
            };
            if !hidden
                && let Some(ids) = here.names.get(name)
                && let Some(id) = ids
                    .iter()
                    .copied()
                    .filter(seen)
                    .max_by_key(|&id| self.declared[id].visible.start)
            {
                return Some(id);
            }
            match here.kind {
                ScopeKind::Sealed => return None,
                ScopeKind::Function => crossed_function = true,
                ScopeKind::ItemFunction => (crossed_function, crossed_item) = (true, true),
                ScopeKind::Module if scope != 0 => return None,
                _ => {}
            }
            scope = here.parent?;
        }
    }

    /// Resolves all references and gives the bindings out.
    pub(in crate::scopes) fn finish(mut self) -> Scopes {
        self.follow_redirects();
        let mut unresolved = Vec::new();
        for reference in std::mem::take(&mut self.references) {
            let find = |spaces| self.lookup(reference.scope, &reference.name, reference.at, spaces);
            // The TypeScript grammar reads some type arguments as comparisons.
            let found = find(reference.spaces).or_else(|| {
                let typed = matches!(self.language, Language::TypeScript | Language::Tsx);
                if typed { find(VALUE | TYPE) } else { None }
            });
            let Some(id) = found else {
                unresolved.push((reference.name, reference.occurrence.range));
                continue;
            };
            if let Some(why) = reference.blocks {
                self.block(id, why);
            }
            if reference.spaces & VALUE != 0 {
                self.note_inherited(id, reference.scope);
            }
            self.declared[id].occurrences.push(reference.occurrence);
        }
        self.settle_doubtful_keys();
        self.note_unexplained(&unresolved);
        let named_arguments = self.settle_keyword_arguments();
        self.settle_blocks();
        unresolved.sort_by_key(|(_, range)| range.start);
        let wholesale = std::mem::take(&mut self.wholesale);
        let passed_on = std::mem::take(&mut self.passed_on);
        let types = std::mem::take(&mut self.types);
        let calls = std::mem::take(&mut self.calls);
        let import_sources = std::mem::take(&mut self.import_sources);
        self.block_in_macros();
        Scopes {
            bindings: self.into_bindings(),
            unresolved,
            wholesale,
            passed_on,
            named_arguments,
            types,
            import_sources,
            calls,
        }
    }

    /// Names that the file's own macros make strings of or put together.
    fn block_in_macros(&mut self) {
        let Ok(text) = std::str::from_utf8(self.source) else { return };
        if !matches!(self.language, Language::C | Language::Cpp) {
            return;
        }
        let macros = macro_definitions(text);
        if macros.is_empty() {
            return;
        }
        let hazards = MacroHazards::of(&macros, text);
        for declared in &mut self.declared {
            if declared.blocked.is_none() && !declared.occurrences.is_empty() {
                declared.blocked = hazards.why_not(&declared.name).map(str::to_owned);
            }
        }
    }

    /// A local that a class inside its function uses may be a member the class inherits.
    fn note_inherited(&mut self, id: DeclaredId, mut scope: ScopeId) {
        let declared = self.declared[id].scope;
        if !self.is_local(id) || self.scopes[declared].kind == ScopeKind::Template {
            return;
        }
        while scope != declared {
            for supertype in &self.scopes[scope].supertypes {
                let doubt = Doubt::Inherited(supertype.clone());
                if !self.declared[id].doubts.contains(&doubt) {
                    self.declared[id].doubts.push(doubt);
                }
            }
            match self.scopes[scope].parent {
                Some(parent) => scope = parent,
                None => return,
            }
        }
    }

    fn settle_doubtful_keys(&mut self) {
        for (name, scope, at, type_name) in std::mem::take(&mut self.doubtful_keys) {
            let Some(id) = self.lookup(scope, &name, at, KEY) else { continue };
            let doubt = Doubt::KeyOf(type_name);
            if !self.declared[id].doubts.contains(&doubt) {
                self.declared[id].doubts.push(doubt);
            }
        }
    }

    /// A glob import or `using namespace` may be what brings an unexplained name in.
    fn note_unexplained(&mut self, unresolved: &[(String, Range<usize>)]) {
        if matches!(self.language, Language::Rust | Language::Cpp) {
            for (name, _) in unresolved {
                self.block_item_name(name, "a place this file does not explain may mean it");
            }
        }
    }

    /// Moves declarations of redirected names to the scope they belong to.
    fn follow_redirects(&mut self) {
        for id in 0..self.declared.len() {
            let (scope, name) = (self.declared[id].scope, self.declared[id].name.clone());
            if !self.scopes[scope].redirects.contains_key(&name) {
                continue;
            }
            let target = self.lookup(scope, &name, self.declared[id].visible.start, VALUE | TYPE);
            let places = std::mem::take(&mut self.declared[id].occurrences);
            if let Some(names) = self.scopes[scope].names.get_mut(&name) {
                names.retain(|&known| known != id);
            }
            match target {
                Some(target) => self.declared[target].occurrences.extend(places),
                None => {
                    // `global x` in a function may be the only declaration there is.
                    self.declared[id].occurrences = places;
                    self.declared[id].scope = 0;
                    self.declared[id].kind = BindingKind::Item;
                    self.scopes[0].names.entry(name).or_default().push(id);
                }
            }
        }
    }

    /// A keyword argument of a call to the function is a place of its parameter;
    /// of a method by that name it may be one, and so it may where several
    /// functions go by that name.
    fn settle_keyword_arguments(&mut self) -> Vec<NamedArgument> {
        let arguments = std::mem::take(&mut self.keyword_arguments);
        let parameters = std::mem::take(&mut self.parameters_of);
        let mut same: HashMap<(String, String), usize> = HashMap::new();
        for (id, called) in &parameters {
            let declared = &mut self.declared[*id];
            declared.passed_to = Some(called.name.clone());
            *same.entry((called.name.clone(), declared.name.clone())).or_default() += 1;
            if self.called_unclearly.contains(&called.name) {
                self.block(*id, "a call may pass it by a name that is not written there");
            }
            let ruby = self.language == Language::Ruby;
            if ruby && !self.called_plainly.contains(&(called.name.clone(), called.home)) {
                self.block(*id, "callers pass it by its name, and none is in its class here");
            }
        }
        for (id, called) in parameters.iter().filter(|_| !arguments.is_empty()) {
            let name = self.declared[*id].name.clone();
            let several =
                same.get(&(called.name.clone(), name.clone())).is_some_and(|&count| count > 1);
            for argument in &arguments {
                if argument.name == name && argument.callee == called.name {
                    self.settle_keyword_argument(*id, called, argument, several);
                }
            }
        }
        let named = |argument: KeywordArgument| {
            let KeywordArgument { name, callee, range, plain, .. } = argument;
            NamedArgument { name, callee, range, plain }
        };
        arguments.into_iter().map(named).collect()
    }

    fn settle_keyword_argument(
        &mut self,
        id: DeclaredId,
        called: &Called,
        argument: &KeywordArgument,
        several: bool,
    ) {
        if !argument.plain {
            self.block(id, "a call passes it by name through a member");
            return;
        }
        if called.member {
            return;
        }
        if let Some(function) = called.declared {
            let at = argument.range.start;
            if self.lookup(argument.scope, &argument.callee, at, VALUE) != Some(function) {
                return;
            }
        }
        if several {
            self.block(id, "a call passes it by name, and several functions go by that name");
            return;
        }
        if called.home != argument.home {
            self.block(id, "a call in another class passes it by name");
            return;
        }
        self.declared[id].occurrences.push(Occurrence {
            range: argument.range.clone(),
            before: String::new(),
            after: String::new(),
            declares: false,
        });
    }

    fn settle_blocks(&mut self) {
        for declared in &mut self.declared {
            if let Some(why) = self.blocked_names.get(&declared.name) {
                declared.blocked.get_or_insert_with(|| (*why).to_owned());
            }
            if declared.kind == BindingKind::Item
                && let Some(why) = self.blocked_item_names.get(&declared.name)
            {
                declared.blocked.get_or_insert_with(|| (*why).to_owned());
            }
            if declared.kind == BindingKind::Parameter
                && let Some(why) = self.blocked_parameter_names.get(&declared.name)
            {
                declared.blocked.get_or_insert_with(|| (*why).to_owned());
            }
            if declared.scope == 0
                && let Some(why) = self.blocked_module_names.get(&declared.name)
            {
                declared.blocked.get_or_insert_with(|| (*why).to_owned());
            }
            for (scope, why) in &self.blocked_scopes {
                if declared.scope == *scope {
                    declared.blocked.get_or_insert_with(|| (*why).to_owned());
                }
            }
        }
    }

    fn into_bindings(self) -> Vec<Binding> {
        let mut bindings = Vec::new();
        for mut declared in self.declared {
            if declared.occurrences.is_empty() {
                continue;
            }
            declared.occurrences.sort_by_key(|place| place.range.start);
            declared.occurrences.dedup_by_key(|place| place.range.start);
            bindings.push(Binding {
                name: declared.name,
                kind: declared.kind,
                visible_outside: declared.visible_outside,
                imported: declared.imported,
                occurrences: declared.occurrences,
                blocked: declared.blocked,
                passed_to: declared.passed_to,
                doubts: declared.doubts,
            });
        }
        bindings
    }
}
