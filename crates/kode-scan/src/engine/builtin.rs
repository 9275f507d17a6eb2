//! Methods and functions that every program uses: of texts, lists, maps,
//! builders and promises.

use super::Engine;
use super::address::{is_own_page, is_own_path, resolved};
use super::expression::{joined, mixed};
use super::site::Site;
use super::value::{FIELDS_MAX, Value};
use crate::category::{Category, CategorySet};
use crate::ir::{KEYS, Name};

impl Engine<'_> {
    /// The result of a well-known method or function; `None` when it is none.
    pub(super) fn builtin(&mut self, site: &Site) -> Option<Value> {
        if let Some(number) = self.number_made(site) {
            return Some(number);
        }
        if let Some(result) = self.characters_asked(site).or_else(|| self.lessened(site)) {
            return Some(result);
        }
        if let Some(address) = super::emptied::put_together(site) {
            return Some(address);
        }
        let Some((_, receiver)) = &site.receiver else {
            return self.appended(site).or_else(|| self.global_function(site));
        };
        if let Some(address) = self.rebuilt_address(site) {
            return Some(address);
        }
        let receiver = receiver.clone();
        if is_module_function(site, &receiver) {
            return None;
        }
        if let Some(setting) = self.setting(site, &receiver) {
            return Some(setting);
        }
        self.parts_of_object(site)
            .or_else(|| self.has_own(site))
            .or_else(|| self.method_of_function(site, &receiver))
            .or_else(|| self.text_method(site, &receiver))
            .or_else(|| self.written(site, &receiver))
            .or_else(|| self.collection_method(site, &receiver))
    }

    /// `Object.entries(x)`, `Object.keys(x)`, `Object.values(x)`: x's parts.
    fn parts_of_object(&mut self, site: &Site) -> Option<Value> {
        let (object, _) = site.receiver.as_ref()?;
        let kind = &self.program().expression(*object).kind;
        if !matches!(kind, crate::ir::Kind::Global(name) if &**name == "Object") {
            return None;
        }
        let part = self.element_of(&site.value(0));
        let element = match &*site.method {
            "keys" | "values" => part,
            "entries" => {
                let pair = [("0", part.clone()), ("1", part)];
                let pair = pair.map(|(at, part)| (Name::from(at), part));
                Value::record(pair.into_iter().collect(), false)
            }
            _ => return None,
        };
        Some(Value::record(std::collections::BTreeMap::from([(Name::from("*"), element)]), false))
    }

    fn global_function(&mut self, site: &Site) -> Option<Value> {
        let first = site.value(0);
        match &*site.method {
            "parseInt" | "parseFloat" | "Number" | "BigInt" | "Boolean" | "int" | "float"
            | "bool" | "len" | "ord" | "hash" | "abs" | "isinstance" | "hasattr" | "round"
            | "sum" => Some(Value::default()),
            "any" | "all" => Some(self.any_of(&first)),
            "filter" => self.kept_of_each(site.argument(0)?, &site.value(1)),
            "isNaN" => {
                let argument = site.argument(0)?;
                Some(self.fact(argument, false, CategorySet::EVERY))
            }
            "String" | "str" => Some(match first.number() {
                Some(number) => Value::text(&number.to_string()),
                None if first.known_text().is_some() => first,
                None => joined(&[first]),
            }),
            "list" | "tuple" | "set" | "sorted" | "reversed" | "iter" | "dict" | "Set" | "Map"
            | "WeakMap" | "WeakSet" | "frozenset" | "Array" | "Object"
                if site.given.len() <= 1 =>
            {
                Some(if site.given.is_empty() { Value::list(Vec::new()) } else { first })
            }
            "StringBuilder" | "StringBuffer" | "StringWriter" => Some(joined(&site.values())),
            "ArrayList" | "LinkedList" | "Vector" | "Stack" | "ArrayDeque" | "HashSet"
            | "LinkedHashSet" | "TreeSet" | "List" => {
                Some(if site.given.is_empty() || first.number().is_some() {
                    Value::list(Vec::new())
                } else {
                    first
                })
            }
            "HashMap" | "LinkedHashMap" | "TreeMap" | "ConcurrentHashMap" | "Hashtable"
            | "Properties" => Some(if first.is_unknown() || first.number().is_some() {
                Value::record(std::collections::BTreeMap::new(), true)
            } else {
                first
            }),
            // A path on the host of what it is resolved against.
            "URL" if site.construct && is_own_path(&first) && site.given.len() == 2 => {
                Some(joined(&[first]))
            }
            // A copy of the page's own address.
            "URL" if site.construct && is_own_page(&first) && site.given.len() == 1 => {
                let page = self.place("global.location");
                Some(first.with(|data| data.place = page))
            }
            "URL" if site.construct && self.is_javascript() => Some(
                resolved(&first, &site.value(1))
                    .unwrap_or_else(|| self.parsed_address(&site.values())),
            ),
            "super" => {
                let this = self.this_around();
                this.iter().for_each(|this| self.error_text(this, &first));
                Some(self.super_value().unwrap_or_default())
            }
            "panic" | "recover" if self.unit(self.file).language == kode_syntax::Language::Go => {
                self.panicked(&site.method, &first)
            }
            "print" | "typeof" => Some(Value::default()),
            _ => None,
        }
    }

    /// Methods of functions.
    fn method_of_function(&mut self, site: &Site, receiver: &Value) -> Option<Value> {
        let function = receiver.data().and_then(|data| data.function.clone())?;
        let rest: Vec<_> = site.given.iter().skip(1).cloned().collect();
        match &*site.method {
            "call" => Some(self.invoke(&function, &rest, Some(site.value(0)), Some(site))),
            "bind" => super::reflection::bound(receiver, &rest),
            "andThen" | "compose" | "negate" | "and" | "or" => None,
            // The only method of a functional interface, whatever its name.
            _ if self.unit(self.file).language == kode_syntax::Language::Java => {
                Some(self.call_closure(&function, site))
            }
            _ => None,
        }
    }

    fn text_method(&mut self, site: &Site, receiver: &Value) -> Option<Value> {
        let (object, _) = site.receiver.as_ref()?;
        let first = site.value(0);

        let about_arguments =
            !receiver.is_tainted() && site.given.iter().any(|given| given.value.is_tainted());
        match &*site.method {
            "decode" | "encode" | "normalize" | "trim" | "strip" | "title" | "slice"
                if about_arguments =>
            {
                None
            }
            "includes" | "has" | "contains" | "indexOf" | "startsWith" | "startswith"
            | "endsWith" | "endswith" | "containsKey" | "hasOwnProperty" | "count" => {
                Some(self.asked(site, *object, receiver, &first))
            }
            "test" | "fullmatch" | "match" | "matches" | "search" | "exec" | "matchAll"
            | "findall" | "finditer" => self.pattern_method(site, *object, receiver, &first),
            "equals" | "equalsIgnoreCase" => {
                let (left, right) = (*object, site.argument(0)?);
                Some(self.comparison(crate::ir::Operator::Equal, (left, receiver), (right, &first)))
            }
            // Two paths that lead to one file.
            "isSameFile" | "samefile" | "SameFile" if site.given.len() == 2 => {
                let (left, right) = (site.argument(0)?, site.argument(1)?);
                let (a, b) = (site.value(0), site.value(1));
                Some(self.comparison(crate::ir::Operator::Equal, (left, &a), (right, &b)))
            }
            "isdigit" | "isnumeric" | "isalnum" | "isalpha" | "isdecimal" | "isidentifier" => {
                Some(self.fact(*object, true, CategorySet::EVERY))
            }
            // `re.sub(pattern, to, text)`, `pattern.sub(to, text)`
            "sub" if site.given.len() >= 2 => self.substituted(site, receiver),
            "intersection" => self.intersection(receiver, &first),
            "is_relative_to" | "relative_to" => self.below(site, *object, receiver),
            "isInteger" | "isSafeInteger" | "isFinite" => {
                Some(self.fact(site.argument(0)?, true, CategorySet::EVERY))
            }
            "charAt" => {
                let at = usize::try_from(first.number()?).ok()?;
                let character = receiver.known_text()?.chars().nth(at)?;
                Some(Value::text(&character.to_string()))
            }
            // `io.Copy(&buffer, reader)` and `io.WriteString(&buffer, text)`
            "Copy" | "WriteString" if site.given.len() > 1 && !receiver.is_tainted() => {
                self.printed_into(site);
                Some(Value::default())
            }
            "toUpperCase" | "upper" | "toLowerCase" | "lower" => match receiver.known_text() {
                Some(text) if matches!(&*site.method, "toUpperCase" | "upper") => {
                    Some(Value::text(&text.to_uppercase()))
                }
                Some(text) => Some(Value::text(&text.to_lowercase())),
                None => Some(mixed(std::slice::from_ref(receiver))),
            },
            "trim" | "strip" | "toString" | "valueOf" | "intern" | "rstrip" | "lstrip"
            | "normalize" | "trimEnd" | "trimStart" => {
                Some(receiver.cleaned(CategorySet::DOCUMENT))
            }
            "concat" if receiver.data().is_none_or(|data| data.length.is_none()) => {
                let mut parts = vec![receiver.clone()];
                parts.extend(site.values());
                Some(joined(&parts))
            }
            "replace" | "replaceAll" => Some(self.replacement(site, receiver, &first)),
            _ => self.text_function(site, receiver, &first),
        }
    }

    /// `path.is_relative_to(root)` and `path.relative_to(root)`, which raises otherwise.
    fn below(&mut self, site: &Site, object: crate::ir::ExprId, receiver: &Value) -> Option<Value> {
        let normalized = receiver.data().is_some_and(|data| data.normalized);
        let set = CategorySet::of(&[Category::PathTraversal]);
        let set = if normalized { set } else { CategorySet::NONE };
        if &*site.method == "is_relative_to" {
            return Some(self.fact(object, true, set));
        }
        if let Some(path) = self.path_of(object) {
            self.clean_path(&path, set);
        }
        Some(mixed(std::slice::from_ref(receiver)).cleaned(set))
    }

    /// `text.replace(what, by)`, where `by` may be a function of what was found.
    fn replacement(&mut self, site: &Site, receiver: &Value, what: &Value) -> Value {
        let every = !self.is_javascript() || &*site.method == "replaceAll";
        let mut by = site.value(1);
        let function = by.data().and_then(|data| data.function.clone());
        if let Some(closure) = function.filter(|_| self.is_javascript()) {
            by = self.run_callback(&closure, Some(vec![part_of(receiver)]));
            let is_known =
                what.known_text().is_some() || what.data().is_some_and(|data| data.regex.is_some());
            if !is_known && self.is_escaping() {
                let set = CategorySet::of(&[Category::CrossSiteScripting]);
                return mixed(&[receiver.clone(), by]).cleaned(set);
            }
        }
        let in_java = self.unit(self.file).language == kode_syntax::Language::Java;
        if let Some(pattern) = super::characters::pattern_of(what)
            && in_java
            && &*site.method == "replaceAll"
            && receiver.known_text().is_none()
        {
            let cleans = removal_cleans(&pattern, &by)
                .union(super::own_address::one_slash(receiver, &pattern, &by));
            return mixed(&[receiver.clone(), by]).cleaned(cleans);
        }
        replaced(receiver, what, &by, every)
    }

    fn substituted(&mut self, site: &Site, receiver: &Value) -> Option<Value> {
        let compiled = receiver.data().and_then(|data| data.regex.clone());
        let text = |at: usize| site.value(at).known_text().map(Name::from);
        let (pattern, at) = compiled.map_or_else(|| (text(0), 1), |pattern| (Some(pattern), 0));
        let (to, subject) = (site.value(at), site.value(at + 1));
        let cleans = pattern.map_or(CategorySet::NONE, |pattern| {
            removal_cleans(&pattern, &to)
                .union(super::own_address::one_slash(&subject, &pattern, &to))
        });
        (!subject.is_unknown()).then(|| mixed(&[subject, to]).cleaned(cleans))
    }

    /// What packages do with texts they are handed, and parts of the receiver.
    fn text_function(&mut self, site: &Site, receiver: &Value, first: &Value) -> Option<Value> {
        match &*site.method {
            "Sprintf" | "Sprint" | "Sprintln" | "Errorf" => Some(formatted(first, &site.values())),
            "format" if first.skeleton().is_some_and(|text| text.contains('%')) => {
                Some(formatted(first, &site.values()))
            }
            "EqualFold" => {
                let (left, right) = (site.argument(0)?, site.argument(1)?);
                let second = site.value(1);
                Some(self.comparison(crate::ir::Operator::Equal, (left, first), (right, &second)))
            }
            "HasSuffix" => Some(self.ends_with(site.argument(0)?, &site.value(1))),
            // `slices.Contains(list, value)`
            "Contains" if !first.is_tainted() && site.value(1).is_tainted() => {
                Some(self.membership(site.argument(1)?, first, &site.value(1), true))
            }
            "String" if first.is_unknown() => Some(self.url_text(receiver)),
            "HasPrefix" | "Contains" | "Index" => {
                let (subject, value) = (site.argument(0)?, site.value(0));
                Some(self.text_test(&site.method, subject, &value, &site.value(1)))
            }
            "matcher" => {
                let pattern = receiver.data()?.regex.clone()?;
                let subject = site.argument(0).and_then(|argument| self.guarded_path(argument))?;
                Some(Value::default().with(|data| {
                    data.regex = Some(pattern);
                    data.origin = Some(std::rc::Rc::new(subject));
                }))
            }
            "MustCompile" | "compile" => {
                let pattern = Name::from(first.known_text()?);
                Some(Value::default().with(|data| data.regex = Some(pattern)))
            }
            "format" | "formatted" => {
                let mut parts = vec![receiver.clone()];
                parts.extend(site.values());
                Some(joined(&parts))
            }
            "length" | "size" | "toFixed" | "getTime" | "hashCode" | "compareTo" | "isEmpty"
            | "intValue" | "longValue" | "lastIndexOf" | "codePointAt" | "charCodeAt" => {
                Some(Value::default())
            }
            "split" | "rsplit" => {
                let is_slash = matches!(first.known_text(), Some("/"));
                let kept = if is_slash { CategorySet::SEGMENT } else { CategorySet::NONE };
                let part = part_of(receiver).cleaned(kept);
                let mut fields =
                    std::collections::BTreeMap::from([(Name::from("*"), part.clone())]);
                let head = super::beginning::first_of_split(receiver, first, part);
                fields.extend(head.map(|head| (Name::from("0"), head)));
                let whole = mixed(std::slice::from_ref(receiver));
                Some(whole.with(|data| data.fields = Some(fields.into())))
            }
            "substring" | "substr" | "slice" | "partition" => {
                let first_part = super::beginning::cut_off(receiver, site, part_of(receiver));
                Some(first_part)
            }
            "decode" | "encode" | "getBytes" | "toCharArray" | "title" | "capitalize"
            | "padStart" | "padEnd" | "repeat" => Some(mixed(std::slice::from_ref(receiver))),
            _ => self.go_pattern(site, receiver, first),
        }
    }

    /// Whether something holds, begins with or ends with something.
    fn asked(
        &mut self,
        site: &Site,
        object: crate::ir::ExprId,
        receiver: &Value,
        argument: &Value,
    ) -> Value {
        if receiver.is_tainted() {
            return self.text_test(&site.method, object, receiver, argument);
        }
        let is_text_question = matches!(
            &*site.method,
            "startsWith" | "startswith" | "endsWith" | "endswith" | "count"
        );
        match site.argument(0) {
            Some(element) if !is_text_question => {
                self.membership(element, receiver, argument, true)
            }
            _ => Value::default(),
        }
    }

    /// `/…/.test(x)`, `re.match("…", x)`, `x.matches("…")`.
    fn pattern_method(
        &mut self,
        site: &Site,
        object: crate::ir::ExprId,
        receiver: &Value,
        first: &Value,
    ) -> Option<Value> {
        let method = &*site.method;
        let whole = matches!(method, "fullmatch" | "matches");
        if let (Some(data), true) = (receiver.data(), site.given.is_empty()) {
            // Java's matcher: what it was made for is asked.
            let (pattern, path) = (data.regex.clone()?, data.origin.clone()?);
            return Some(self.matched_path(&pattern, whole, &path));
        }
        if let Some(pattern) = receiver.data().and_then(|data| data.regex.clone()) {
            let result = self.matched(&pattern, whole, site.argument(0)?);
            return Some(found_in(result, method, &pattern, first));
        }
        if let Some(pattern) = first.data().and_then(|data| data.regex.clone()) {
            let result = self.matched(&pattern, whole, object);
            return Some(found_in(result, method, &pattern, receiver));
        }
        let pattern = first.known_text()?.to_owned();
        if receiver.is_tainted() {
            if !matches!(method, "matches" | "match" | "search") {
                return None;
            }
            let result = self.matched(&pattern, method == "matches", object);
            return Some(found_in(result, method, &pattern, receiver));
        }
        // `re.match(pattern, x)`; Python anchors the beginning by itself.
        let subject = site.argument(1)?;
        let anchored = if method == "match" {
            format!("^{}", pattern.trim_start_matches('^'))
        } else {
            pattern.clone()
        };
        let result = self.matched(&anchored, whole, subject);
        Some(found_in(result, method, &pattern, &site.value(1)))
    }

    fn collection_method(&mut self, site: &Site, receiver: &Value) -> Option<Value> {
        let path = site.receiver.as_ref().and_then(|(object, _)| self.changed_path(*object));
        let object = site.receiver.as_ref().map(|(object, _)| *object);
        let set = |engine: &mut Self, value: Value| {
            if let (Some(path), Some(object)) = (&path, object) {
                engine.set_changed(object, path, value);
            }
        };
        let first = site.value(0);
        match &*site.method {
            "push" | "append" | "add" | "addLast" | "unshift" | "appendleft" | "offer" => {
                let changed = pushed(receiver, &first, &site.value(1), site.given.len());
                set(self, changed.clone());
                Some(changed)
            }
            "extend" | "addAll" | "update" | "insert" | "putAll" => {
                let changed = with_all(receiver, site);
                set(self, changed.clone());
                Some(changed)
            }
            "put" | "set" | "setdefault" | "setProperty" | "setAttribute" => {
                if let Some(known) = self.known_entry(site, receiver) {
                    return Some(known);
                }
                let changed = self.with_named(site, receiver, &first)?;
                set(self, changed.clone());
                Some(if &*site.method == "setdefault" { site.value(1) } else { changed })
            }
            "get" | "getOrDefault" | "getProperty" | "at" | "elementAt" => {
                self.taken(site, receiver, &first)
            }
            "remove" | "shift" | "pop" | "popleft" | "removeFirst" | "poll" | "pollFirst" => {
                let (element, rest) = without(receiver, &first, &site.method)?;
                set(self, rest);
                Some(element)
            }
            "join" if site.given.len() <= 1 => {
                let items = items(receiver);
                if receiver.data().is_some_and(|data| data.place.is_some()) {
                    return None;
                }
                if items.is_empty() {
                    // Python: the separator is the receiver.
                    let given = super::builtin::items(&first);
                    if !given.is_empty() {
                        return Some(interleaved(&given, receiver));
                    }
                    let inner = self.element_of(&first);
                    return Some(joined(&[inner, receiver.clone(), self.element_of(receiver)]));
                }
                Some(interleaved(&items, &first))
            }
            "values" | "keys" | "items" if receiver.field(KEYS).is_some() => {
                Some(parts_of_map(receiver, &site.method))
            }
            "values" | "keys" | "items" | "entries" | "iterator" | "toArray" | "reverse"
            | "sort" | "stream" | "copy" | "collect" | "next" | "nextElement" => {
                Some(match &*site.method {
                    "next" | "nextElement" => self.element_of(receiver),
                    "stream" if receiver.is_unknown() => first,
                    "collect" if self.joins_elements(site) => {
                        joined(&[self.element_of(receiver), Value::default()])
                    }
                    _ => receiver.clone(),
                })
            }
            _ => self.passed_on(site, receiver, &first),
        }
    }

    /// Promises, streams and lists made of what they are handed.
    fn passed_on(&mut self, site: &Site, receiver: &Value, first: &Value) -> Option<Value> {
        match &*site.method {
            "resolve" | "all" if site.given.len() == 1 => Some(first.clone()),
            "pipe" | "on" | "once" | "setState" => self.streamed(site, receiver, first),
            "of" if self.is_java_map(site) => Some(super::allowed::map_of(&site.values())),
            "of" | "asList" => receiver.taints().is_empty().then(|| Value::list(site.values())),
            _ => None,
        }
    }

    /// Go's builders and buffers.
    fn written(&mut self, site: &Site, receiver: &Value) -> Option<Value> {
        let is_api = receiver.data().is_some_and(|data| data.place.is_some());
        if let Some(read) = self.read_into(site, receiver) {
            return Some(read);
        }
        let writes = match &*site.method {
            "WriteString" | "WriteByte" | "WriteRune" | "ReadFrom" => true,
            "Write" => site.given.len() == 1,
            // Java's streams of bytes.
            "write" | "writeBytes" => {
                self.unit(self.file).language == kode_syntax::Language::Java
                    && !site.given.is_empty()
            }
            _ => false,
        };
        if is_api || !writes {
            return None;
        }
        let path = site.receiver.as_ref().and_then(|(object, _)| self.path_of(*object))?;
        let changed = joined(&[receiver.clone(), site.value(0)]);
        self.set_path(&path, &path.fields.clone(), changed);
        Some(Value::default())
    }

    /// `body.Read(buffer)`, `System.arraycopy(from, 0, to, 0, n)`: what is read is in an argument.
    fn read_into(&mut self, site: &Site, receiver: &Value) -> Option<Value> {
        let (from, at) = match &*site.method {
            "Read" if site.given.len() == 1 => (receiver.clone(), 0),
            "ReadFull" | "ReadAtLeast" => (site.value(0), 1),
            "arraycopy" if site.given.len() == 5 => (site.value(0), 2),
            _ => return None,
        };
        let taints = from.deep_taints();
        let path = site.argument(at).and_then(|argument| self.path_of(argument))?;
        if taints.is_empty() {
            return None;
        }
        let filled = Value::carrying(taints);
        self.set_path(&path, &path.fields.clone(), filled);
        Some(Value::default())
    }

    /// `fmt.Fprintf(&buffer, …)`: what is written stays in the buffer.
    pub(super) fn printed_into(&mut self, site: &Site) {
        const WRITERS: [&str; 4] = ["WriteString", "Copy", "Execute", "ExecuteTemplate"];
        let is_go = self.unit(self.file).language == kode_syntax::Language::Go;
        let is_writer = is_go && WRITERS.contains(&&*site.method) && site.given.len() > 1;
        if !site.method.starts_with("Fprint") && !is_writer {
            return;
        }
        let target = site.value(0);
        if target.data().is_some_and(|data| data.place.is_some()) {
            return;
        }
        let Some(path) = site.argument(0).and_then(|argument| self.path_of(argument)) else {
            return;
        };
        let written: Vec<Value> = site.values().into_iter().skip(1).collect();
        let text = match &*site.method {
            "Fprintf" => formatted(&site.value(1), &written),
            "Execute" | "ExecuteTemplate" => {
                let taints = written.iter().flat_map(Value::deep_taints).collect();
                Value::carrying(taints)
            }
            _ => joined(&written),
        };
        let joined = joined(&[self.value_at(&path), text]);
        self.set_path(&path, &path.fields.clone(), joined);
    }

    /// The text of a URL whose host is written down; any other value as it is.
    fn url_text(&self, receiver: &Value) -> Value {
        let Some(host) = receiver.field("Host").and_then(Value::known_text) else {
            return receiver.clone();
        };
        let start = Value::text(&format!("https://{host}/"));
        joined(&[start, mixed(std::slice::from_ref(receiver)), Value::default()])
    }

    /// `a.pipe(b)` is `b`; listening gives what is listened to; a component's state
    /// is kept for its other methods.
    fn streamed(&mut self, site: &Site, receiver: &Value, first: &Value) -> Option<Value> {
        if &*site.method == "setState" {
            let object = site.receiver.as_ref().map(|(object, _)| *object)?;
            self.remember_class_field(object, &Name::from("state"), first);
            return None;
        }
        let is_known = |value: &Value| value.data().is_some_and(|data| data.place.is_some());
        if &*site.method == "pipe" {
            return is_known(first).then(|| first.clone());
        }
        is_known(receiver).then(|| {
            self.run_callbacks(site, None);
            receiver.clone()
        })
    }

    fn taken(&mut self, site: &Site, receiver: &Value, first: &Value) -> Option<Value> {
        let data = receiver.data()?;
        let known = data.fields.is_some();
        match super::constant::key_of(first) {
            Some(key) if known || !data.taints.is_empty() => {
                let field = self.field_of(receiver, &Name::from(key), Some(site.id));
                // Of input and a default the input is what may do harm.
                let has_other = site.given.len() > 1 && !field.is_tainted();
                Some(if has_other { field.join(&site.value(1)) } else { field })
            }
            None if known => Some(receiver.element()),
            _ => None,
        }
    }
}

/// A collection with everything of others; `update(name=value)` names what it sets.
fn with_all(receiver: &Value, site: &Site) -> Value {
    let names: Option<Vec<&Name>> = site.given.iter().map(|given| given.name.as_ref()).collect();
    if let Some(names) = names.filter(|names| !names.is_empty()) {
        let pairs = names.into_iter().zip(&site.given);
        return pairs.fold(receiver.clone(), |whole, (name, given)| {
            whole.with_field(name, given.value.clone())
        });
    }
    receiver.with(|data| {
        super::value::merge_taints(&mut data.taints, mixed(&site.values()).taints());
        data.closed = false;
        data.length = None;
    })
}

/// A `%` format: its text with a hole for each value; numbers carry no input.
fn formatted(format: &Value, all: &[Value]) -> Value {
    let Some(text) = format.skeleton() else { return mixed(all) };
    let mut parts = Vec::new();
    let mut values = all.iter().skip(1);
    for (at, piece) in text.split('%').enumerate() {
        if at == 0 {
            parts.push(Value::text(piece));
            continue;
        }
        // Without a verb (an unknown part stands there) nothing is known of the format.
        let verb = piece.find(|c: char| c.is_ascii_alphabetic()).map_or(0, |at| at + 1);
        let (head, rest) = piece.split_at(verb);
        let value = values.next().cloned().unwrap_or_default();
        parts.push(if head.ends_with(['d', 'f', 't', 'x']) { Value::default() } else { value });
        parts.push(Value::text(rest));
    }
    parts.extend(values.cloned());
    joined(&parts)
}

/// `shlex.split(text)`: what looks like a text's method is a module's function.
fn is_module_function(site: &Site, receiver: &Value) -> bool {
    const OF_TEXTS: [&str; 4] = ["split", "join", "replace", "concat"];
    let is_module = receiver.data().is_some_and(|data| {
        data.place.is_some() && data.taints.is_empty() && data.fields.is_none()
    });
    is_module
        && OF_TEXTS.contains(&&*site.method)
        && site.given.iter().any(|given| given.value.is_tainted())
}

/// What a match gives besides its truth: parts of the text, harmless where the
/// pattern's groups let nothing else through.
fn found_in(truth: Value, method: &str, pattern: &str, subject: &Value) -> Value {
    if matches!(method, "test" | "matches") || !subject.is_tainted() {
        return truth;
    }
    let harmless = super::guard::captures_harmless(pattern);
    let set = if harmless { CategorySet::EVERY } else { CategorySet::NONE };
    let taints = part_of(subject).cleaned(set).taints().to_vec();
    truth.with(|data| data.taints = taints)
}

/// The keys, the values or the pairs of a map of which any key and value are known.
fn parts_of_map(map: &Value, method: &str) -> Value {
    let part = |name: &str| map.field(name).cloned().unwrap_or_default();
    let element = match method {
        "keys" => part(KEYS),
        "values" => part("*"),
        _ => Value::list(vec![part(KEYS), part("*")]),
    };
    Value::record(std::collections::BTreeMap::from([(Name::from("*"), element)]), false)
}

/// A part of a text: what is known of it is not known of the whole.
fn part_of(text: &Value) -> Value {
    Value::carrying(mixed(std::slice::from_ref(text)).taints().to_vec())
}

/// The known elements of a list in order.
pub(super) fn items(value: &Value) -> Vec<Value> {
    let Some(length) = value.data().and_then(|data| data.length) else { return Vec::new() };
    let Some(fields) = value.data().and_then(|data| data.fields.as_ref()) else {
        return Vec::new();
    };
    // Slots that were left out hold nothing that is known; of a long list none are kept.
    let last = fields.keys().filter_map(|key| key.parse::<usize>().ok()).max();
    let known = last.map_or(0, |last| length.min(last + 1)).min(FIELDS_MAX);
    (0..known).map(|at| fields.get(&*at.to_string()).cloned().unwrap_or_default()).collect()
}

/// A list with one more element; text builders are lists of one text.
fn pushed(receiver: &Value, first: &Value, second: &Value, count: usize) -> Value {
    match receiver.data().and_then(|data| data.length) {
        Some(length) if count == 1 => {
            let name = Name::from(length.to_string());
            receiver.with_field(&name, first.clone()).with(|data| data.length = Some(length + 1))
        }
        Some(_) => receiver.with(|data| {
            let taints = mixed(&[first.clone(), second.clone()]).taints().to_vec();
            super::value::merge_taints(&mut data.taints, &taints);
            data.closed = false;
            data.length = None;
        }),
        None => {
            let text = joined(&[
                receiver.clone(),
                first.clone(),
                if count > 1 { second.clone() } else { Value::text("") },
            ]);
            let place = receiver.data().and_then(|data| data.place);
            text.with(|data| data.place = place)
        }
    }
}

/// Takes an element out of a list with known ones.
fn without(receiver: &Value, at: &Value, method: &str) -> Option<(Value, Value)> {
    let mut items = items(receiver);
    if items.is_empty() {
        return Some((receiver.element(), receiver.clone()));
    }
    let position = match (method, at.number()) {
        ("pop", None) => items.len() - 1,
        ("remove", None) => return Some((receiver.element(), receiver.clone())),
        (_, Some(number)) => usize::try_from(number).ok().filter(|at| *at < items.len())?,
        _ => 0,
    };
    let element = items.remove(position);
    Some((element, Value::list(items)))
}

pub(super) fn interleaved(items: &[Value], separator: &Value) -> Value {
    let between = match separator.skeleton() {
        Some(_) => separator.clone(),
        None => Value::text(","),
    };
    let mut parts = Vec::new();
    for (at, item) in items.iter().enumerate() {
        if at > 0 {
            parts.push(between.clone());
        }
        parts.push(item.clone());
    }
    joined(&parts)
}

/// `replace`: constant on constants; a removal of what is dangerous cleans.
fn replaced(receiver: &Value, from: &Value, to: &Value, is_every: bool) -> Value {
    if let (Some(text), Some(from)) = (receiver.known_text(), from.known_text()) {
        if let Some(to) = to.known_text() {
            return Value::text(&text.replace(from, to));
        }
        // A placeholder of a known text is filled in.
        let taints = to.deep_taints();
        let text = text.replace(from, &super::value::HOLE.to_string());
        return Value::text(&text).with(|data| data.taints = taints);
    }
    let result = mixed(&[receiver.clone(), to.clone()]);
    let pattern = from.data().and_then(|data| data.regex.clone());
    let every = is_every || from.data().is_some_and(|data| data.normalized);
    match pattern {
        Some(pattern) if every => {
            let cleans = removal_cleans(&pattern, to)
                .union(super::own_address::one_slash(receiver, &pattern, to));
            super::beginning::replaced(receiver, &pattern, result).cleaned(cleans)
        }
        Some(pattern) => super::beginning::replaced(receiver, &pattern, result),
        None if is_every => result.cleaned(text_removal_cleans(from, to)),
        None => result,
    }
}

/// What a text is harmless for once every match of a pattern is replaced.
pub(super) fn removal_cleans(pattern: &str, to: &Value) -> CategorySet {
    // `[^…]`: everything but what is listed goes away.
    let listed = pattern.strip_prefix("[^");
    if listed.is_some_and(|rest| super::guard::is_strict(&format!("^[{rest}$"), false))
        || matches!(pattern, "\\W" | "\\W+" | "\\D" | "\\D+")
    {
        return CategorySet::EVERY;
    }
    if pattern.contains('<') && super::characters::takes_any_tag(pattern) {
        return CategorySet::of(&[Category::CrossSiteScripting]);
    }
    let is_dots = pattern.contains("\\.\\.") || matches!(pattern, "\\." | "[.]" | "\\.+");
    if is_dots && to.known_text() == Some("") && !pattern.contains('/') {
        return CategorySet::of(&[Category::PathTraversal]);
    }
    CategorySet::NONE
}

/// The same for a text that is replaced wherever it stands.
fn text_removal_cleans(from: &Value, to: &Value) -> CategorySet {
    match from.known_text() {
        Some("<") => CategorySet::of(&[Category::CrossSiteScripting]),
        Some("..") if to.known_text() == Some("") => CategorySet::of(&[Category::PathTraversal]),
        _ => CategorySet::NONE,
    }
}
