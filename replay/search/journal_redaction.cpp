#include "replay/search/journal_redaction.hpp"

#include "formats/exchange.hpp"

namespace assay::search {

namespace {

using formats::Exchange;
using formats::JournalReader;
using formats::JournalRecord;
using formats::JournalWriter;

// Of an exchange the bodies' hashes, its digest and the sizes of its chunks follow.
Result<JournalRecord> redacted(const JournalRecord& record, const Redactor& redactor) {
  if (record.kind != "exchange")
    return JournalRecord{record.kind, redactor.json(record.fields), record.parts};
  Exchange exchange = ASSAY_TRY(Exchange::parse(record));
  exchange.target = redactor.text(exchange.target);
  exchange.request_headers = redactor.headers(exchange.request_headers);
  exchange.response_headers = redactor.headers(exchange.response_headers);
  exchange.request = redactor.text(exchange.request);
  exchange.response = redactor.text(exchange.response, exchange.chunks);
  exchange.error = redactor.text(exchange.error);
  exchange.model = redactor.json(exchange.model);
  return std::move(exchange).record();
}

bool holds_key(const JournalRecord& record, const Redactor& redactor) {
  if (redactor.json(record.fields) != record.fields) return true;
  for (const formats::JournalPart& part : record.parts)
    if (redactor.redacted(part.bytes)) return true;
  return false;
}

Result<bool> holds_key(const fs::path& path, const Redactor& redactor) {
  auto reader = ASSAY_TRY(JournalReader::open(path));
  for (;;) {
    const auto record = ASSAY_TRY(reader.next());
    if (!record) return false;
    if (holds_key(*record, redactor)) return true;
  }
}

}  // namespace

Result<std::optional<JournalWriter>> redact_journal(const fs::path& path, const Redactor& redactor) {
  if (!ASSAY_TRY(holds_key(path, redactor))) return std::optional<JournalWriter>();
  fs::path anew = path;
  anew += ".new";
  std::error_code ignored;
  fs::remove(anew, ignored);
  auto reader = ASSAY_TRY(JournalReader::open(path));
  JournalWriter writer = ASSAY_TRY(JournalWriter::create(anew, reader.head()));
  for (;;) {
    const auto record = ASSAY_TRY(reader.next());
    if (!record) break;
    ASSAY_TRY(writer.append(ASSAY_TRY(redacted(*record, redactor))));
  }
  ASSAY_TRY(writer.move_to(path));
  return std::optional(std::move(writer));
}

}  // namespace assay::search
