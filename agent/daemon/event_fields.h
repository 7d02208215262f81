// What an event says, as readable text: "program=firefox, signal=11".
#pragma once

#include <string>

namespace candor::v1 {
class Event;
}

namespace candor {

// Every field of the event's kind that is set, lists and nested messages included, bytes in
// hexadecimal. Uses the messages' own descriptions, so a new field is never left out.
std::string EventFields(const v1::Event& event);

}  // namespace candor
