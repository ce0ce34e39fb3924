#include "ingest/kafka_message.h"

#include <fmt/format.h>

#include "ingest/event_decoder.h"
#include "ingest/reasons.h"

namespace tocsin::ingest {
namespace {

std::shared_ptr<RecordDecoder> refusing(std::string_view reason, std::string message) {
  return std::make_shared<RefusingDecoder>(Rejection{reason, std::move(message)});
}

}  // namespace

MessageReader::Message MessageReader::append(std::span<const Header> headers,
                                             std::string_view payload, std::string& batch) {
  SaidForm said = said_form(headers, payload);
  if (payload.empty()) said = {SaidBy::kContentType, EventForm::kSingle};  // skipped: a tombstone
  if (said.by == SaidBy::kAttributes) {
    batch += structured_from_binary(headers, HeaderCoding::kPlain, payload);
  } else {
    batch += payload;
  }
  if (said.by == SaidBy::kOtherCloud) {
    return {refusing(reasons::kBadEnvelope,
                     "content-type: this CloudEvents format cannot be read; send "
                     "application/cloudevents+json"),
            1};
  }
  if (has_mapping_ && !payload.empty() && !has_envelope(said.form)) return {nullptr, 1};
  if (said.by == SaidBy::kNothing || said.by == SaidBy::kOther) said.form = json_form(payload);
  const size_t records = count_records(said.form, payload, kMaxMessageRecords);
  if (records > kMaxMessageRecords) {
    return {refusing(reasons::kTooMany, fmt::format("message: more than {} events; send at most "
                                                    "so many in one",
                                                    kMaxMessageRecords)),
            kMaxMessageRecords};
  }
  return {decoder_of(said.form), records};
}

std::shared_ptr<RecordDecoder> MessageReader::decoder_of(EventForm form) {
  std::shared_ptr<RecordDecoder>& decoder = by_form_[static_cast<size_t>(form)];
  if (!decoder) decoder = std::make_shared<EventDecoder>(symbols_, form, Positions::kOfMessage);
  return decoder;
}

}  // namespace tocsin::ingest
