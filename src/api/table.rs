//! The procedures of one agent.

use super::procedure::Procedure;
use super::procedures;

/// The built-in procedures, then those of the embedding program.
#[derive(Debug)]
pub struct Api {
    procedures: Vec<Procedure>,
}

impl Default for Api {
    fn default() -> Self {
        Self { procedures: procedures::builtin() }
    }
}

impl Api {
    /// Adds a procedure; false when one of that name is there already.
    pub fn add(&mut self, procedure: Procedure) -> bool {
        let is_new = self.procedures.iter().all(|known| known.name != procedure.name);
        if is_new {
            self.procedures.push(procedure);
        }
        is_new
    }

    /// All procedures, in the order of the documentation.
    #[must_use]
    pub fn procedures(&self) -> &[Procedure] {
        &self.procedures
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::Value;

    #[test]
    fn names_are_unique_and_one_line_documented() {
        let api = Api::default();
        let names: std::collections::HashSet<_> = api.procedures().iter().map(Procedure::name).collect();
        assert_eq!(names.len(), api.procedures().len());
        assert!(api.procedures().iter().all(|procedure| !procedure.doc().contains('\n')));
    }

    #[test]
    fn a_second_procedure_of_a_name_is_refused() {
        let mut api = Api::default();
        let custom = |name: &'static str| Procedure::custom(name, Vec::new(), "", Box::new(|_| Ok(Value::Null)));
        assert!(!api.add(custom("utcnow")));
        assert!(api.add(custom("add2")));
        assert!(!api.add(custom("add2")));
    }
}
