//! Views: values handed to a template that puts them out without escaping, in the
//! template's own place, and templates that put out the request itself.

use super::Engine;
use super::site::Site;
use super::value::Value;
use crate::category::Category;
use crate::ir::Name;
use crate::model::Context;
use crate::raw::RawStep;
use crate::template::{RawOutput, is_request_data, raw_outputs};

impl Engine<'_> {
    /// `render("page", {name: value})`: what the template puts out raw is checked.
    pub(super) fn filled_template(&mut self, site: &Site, argument: usize, inline: bool) {
        let named = site.value(argument);
        let Some(text) = named.known_text() else { return };
        if inline {
            for output in raw_outputs(None, text.as_bytes()) {
                let value = self.handed_over(site, &output);
                let (category, place) = (Category::CrossSiteScripting, (site.start, site.end));
                self.check(category, Context::Text, &value, place, &site.method);
            }
            return;
        }
        let Some(file) = self.template_file(text) else { return };
        let handed = format!("it is handed to `{text}`");
        let units = self.units;
        for output in units[file].iter().flat_map(|unit| &unit.outputs) {
            let value = self.handed_over(site, output);
            let value = value.stepped(self.file, site.start, site.end, &handed);
            let caller = std::mem::replace(&mut self.file, file);
            let name = output.name.join(".");
            let place = (output.start, output.end);
            self.check(Category::CrossSiteScripting, Context::Text, &value, place, &name);
            self.file = caller;
        }
    }

    /// The value of a template's name among what a call hands over.
    fn handed_over(&self, site: &Site, output: &RawOutput) -> Value {
        let Some((first, members)) = output.name.split_first() else { return Value::default() };
        let by_name = site.keyword(first).cloned();
        let in_record = || {
            let records = site.given.iter().filter(|given| given.value.data().is_some());
            let mut found = records.filter_map(|given| given.value.field(first).cloned());
            found.next()
        };
        let value = by_name.or_else(in_record).unwrap_or_default();
        members
            .iter()
            .fold(value, |value, member| self.field_of(&value, &Name::from(member.as_str()), None))
    }

    /// The scanned template that a name means.
    fn template_file(&self, name: &str) -> Option<usize> {
        let name = name.trim_start_matches("./");
        let fits = |path: &str| {
            let stem = path.rsplit_once('.').map_or(path, |(stem, _)| stem);
            [path, stem].iter().any(|known| {
                known.strip_suffix(name).is_some_and(|rest| rest.is_empty() || rest.ends_with('/'))
            })
        };
        let is_template = |unit: &super::Unit<'_>| !unit.outputs.is_empty() && fits(unit.path);
        self.units.iter().position(|unit| unit.as_ref().is_some_and(is_template))
    }

    /// What a template puts out by itself: the request's data, or anything unknown.
    pub(super) fn template_outputs(&mut self, file: usize) {
        let units = self.units;
        let category = Category::CrossSiteScripting;
        for output in units[file].iter().flat_map(|unit| &unit.outputs) {
            if is_request_data(&output.name) {
                let step = RawStep {
                    file,
                    start: output.start as usize,
                    end: output.end as usize,
                    text: "the request's data is put out unescaped".to_owned(),
                };
                self.push(category, output.start, output.end, vec![step]);
            } else {
                self.warn(category, output.start, output.end);
            }
        }
    }
}
