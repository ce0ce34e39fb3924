#include "storage/key_value.h"

namespace tocsin::storage {

std::string_view table_name(Table table) {
  switch (table) {
    case Table::kMeta:
      return "default";
    case Table::kJournal:
      return "journal";
    case Table::kJournalIndex:
      return "journal_index";
    case Table::kIds:
      return "ids";
    case Table::kIdsIndex:
      return "ids_index";
    case Table::kState:
      return "state";
    case Table::kAlerts:
      return "alerts";
    case Table::kAlertLog:
      return "alert_log";
    case Table::kAlertIndex:
      return "alert_index";
    case Table::kOutbox:
      return "outbox";
    case Table::kPositions:
      return "positions";
    case Table::kDeadLetters:
      return "dead_letters";
  }
  return {};
}

}  // namespace tocsin::storage
