// What is refused over its manners or its size, as the operator is told of it.
#include "daemon/http/api.h"

namespace tocsin::daemon::http {
namespace {

constexpr std::string_view kSlowHint =
    "see to that client, or to the network between; many of these from an address that nobody "
    "knows are an attack: keep it out with a firewall or a proxy";

std::string_view label_of(Refusal why) {
  switch (why) {
    case Refusal::kNoRoom:
      return "no_room";
    case Refusal::kTooMany:
      return "limit";
    case Refusal::kSlowToSend:
    case Refusal::kSlowToRead:
      return "timeout";
    case Refusal::kTooLarge:
      return "too_large";
    case Refusal::kMalformed:
      return "malformed";
  }
  return "";
}

}  // namespace

// The detail comes first, as it names the thing: addresses are too many to keep.
void Api::warn_of(std::string_view message, std::string_view detail, std::string_view peer,
                  std::string_view hint) {
  log_.warn_seldom(
      message,
      {{"detail", std::string(detail)}, {"from", std::string(peer)}, {"hint", std::string(hint)}});
}

void Api::tell_too_large(std::string_view peer, std::string_view detail) {
  warn_of("a request is over its limit", detail, peer,
          "have its sender send smaller batches, or raise `http.body_bytes`, "
          "`http.decompressed_bytes` or `http.body_records`; from an address that nobody knows it "
          "is an attack: keep it out with a firewall or a proxy");
}

void Api::connection_refused(Refusal why, std::string_view peer, std::string_view detail) {
  metrics_.connection_refused(label_of(why));
  switch (why) {
    case Refusal::kNoRoom:
      return log_.warn_seldom(
          "no connection can be accepted",
          {{"error", std::string(detail)},
           {"hint",
            "raise the limit of open files (`LimitNOFILE=` of the unit), lower `http.connections`, "
            "or see what else takes them; whoever connects waits meanwhile"}});
    case Refusal::kTooMany:
      return warn_of("a connection is closed: too many are open", "http.connections", peer,
                     "raise `http.connections`, or put a proxy in front that keeps few open; see "
                     "which clients do not close theirs");
    case Refusal::kSlowToSend:
      return warn_of("a connection is closed: its request comes too slowly", "read", peer,
                     kSlowHint);
    case Refusal::kSlowToRead:
      return warn_of("a connection is closed: its answer is not read", "write", peer, kSlowHint);
    case Refusal::kTooLarge:
      return tell_too_large(peer, detail);
    case Refusal::kMalformed:
      return warn_of("a connection is closed: what it sends is no HTTP request", detail, peer,
                     "see what it is meant for; TLS and HTTP/2 need a proxy in front");
  }
}

}  // namespace tocsin::daemon::http
