//! `wampproc procedures`: the API's table.

use serde_json::json;

use super::failure::Failure;
use super::given::Format;
use super::output;
use crate::api::{Api, Procedure};

pub(super) fn run(format: Format) -> Result<(), Failure> {
    let api = Api::default();
    let lines: String = api.procedures().iter().map(|procedure| entry(procedure, format)).collect();
    output::bytes(lines.as_bytes())
}

fn entry(procedure: &Procedure, format: Format) -> String {
    let (name, signature, result, doc) = (procedure.name(), procedure.signature(), procedure.result(), procedure.doc());
    match format {
        Format::Text => format!("{name}({signature}) -> {result}\n    {doc}\n"),
        Format::Json => {
            let entry = json!({"name": name, "signature": signature, "result": result, "doc": doc});
            format!("{entry}\n")
        }
    }
}
