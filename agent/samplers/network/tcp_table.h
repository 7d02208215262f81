// Loss and round trips of the machine's own TCP connections, as sums.
//
// Per socket the kernel counts data segments sent (tcpi_data_segs_out, retransmissions included;
// pure acknowledgements are left out, since they are never retransmitted and would thin the loss of
// a laptop that mostly downloads) and segments retransmitted (tcpi_total_retrans). The table keeps
// the last counts by the kernel's socket cookie and gives out what was added since. A socket first
// seen after the first reading counts from 0; one that closed counts up to what its closing told.
// A connection that never carried data (a SYN into nowhere) is no loss. Addresses never get here.
//
// Bounded: past kSocketsMax open sockets, further ones are not counted at all. One thread.
#pragma once

#include <cstdint>
#include <span>
#include <unordered_map>
#include <vector>

namespace candor {

struct TcpSocket {
  uint64_t cookie = 0;
  uint32_t sent = 0;
  uint32_t retransmitted = 0;
  uint32_t rtt_us = 0;  // smoothed; 0 where none was taken
};

class TcpTable {
 public:
  static constexpr size_t kSocketsMax = 8192;

  struct Totals {
    int64_t sent = 0;
    int64_t retransmitted = 0;
    // Smoothed round trips of the sockets that sent data since the last reading.
    std::vector<uint32_t> rtts_us;
  };

  // `open` is every open socket now, `closed` those that closed since the last reading. The first
  // reading only sets the ground.
  Totals Update(std::span<const TcpSocket> open, std::span<const TcpSocket> closed);

  size_t size() const { return sockets_.size(); }

 private:
  struct Counts {
    uint32_t sent = 0;
    uint32_t retransmitted = 0;
    // Absent from the last reading; its closing may still be under way.
    bool gone = false;
  };
  void AddDifference(const Counts& before, const TcpSocket& now, Totals& totals) const;
  void CountClosed(std::unordered_map<uint64_t, Counts>& next, const TcpSocket& socket,
                   Totals& totals);

  std::unordered_map<uint64_t, Counts> sockets_;
  bool first_ = true;
  bool truncated_ = false;
};

}  // namespace candor
