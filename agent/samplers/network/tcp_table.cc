#include "agent/samplers/network/tcp_table.h"

#include <algorithm>
#include <utility>

namespace candor {

void TcpTable::AddDifference(const Counts& before, const TcpSocket& now, Totals& totals) const {
  if (first_ || now.sent <= before.sent) return;
  const uint32_t sent = now.sent - before.sent;
  // Retransmissions before any data (of the SYN) belong to no data segment.
  const uint32_t retransmitted =
      now.retransmitted > before.retransmitted ? now.retransmitted - before.retransmitted : 0;
  totals.sent += sent;
  totals.retransmitted += std::min(retransmitted, sent);
  if (now.rtt_us > 0) totals.rtts_us.push_back(now.rtt_us);
}

void TcpTable::CountClosed(std::unordered_map<uint64_t, Counts>& next, const TcpSocket& socket,
                           Totals& totals) {
  if (const auto open = next.find(socket.cookie); open != next.end()) {
    AddDifference(open->second, socket, totals);
    next.erase(open);
    return;
  }
  const auto known = sockets_.find(socket.cookie);
  if (known != sockets_.end()) {
    AddDifference(known->second, socket, totals);
    sockets_.erase(known);
  } else if (!truncated_) {
    AddDifference({}, socket, totals);
  }
}

TcpTable::Totals TcpTable::Update(std::span<const TcpSocket> open,
                                  std::span<const TcpSocket> closed) {
  Totals totals;
  std::unordered_map<uint64_t, Counts> next;
  const bool overfull = open.size() > kSocketsMax;
  for (const TcpSocket& socket : open) {
    const auto before = sockets_.find(socket.cookie);
    const bool known = before != sockets_.end();
    if (!known && (truncated_ || overfull) && next.size() >= kSocketsMax) continue;
    // After a reading that was cut short, a socket not seen before may be an old one.
    if (known || !truncated_) AddDifference(known ? before->second : Counts{}, socket, totals);
    next[socket.cookie] = {socket.sent, socket.retransmitted, false};
    if (known) sockets_.erase(before);
  }
  for (const TcpSocket& socket : closed) CountClosed(next, socket, totals);
  for (auto& [cookie, counts] : sockets_) {
    if (counts.gone || next.size() >= kSocketsMax) continue;
    next[cookie] = {counts.sent, counts.retransmitted, true};
  }
  sockets_ = std::move(next);
  truncated_ = overfull;
  first_ = false;
  return totals;
}

}  // namespace candor
