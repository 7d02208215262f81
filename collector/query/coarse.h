// How figures about one device are rounded, so that nobody can work out from them how long somebody
// worked. A share of active time (stall_pct, offline_pct, hang_pct, …) is what a score is made of
// and is shown as it is scored; so the minutes behind it must not be: minutes ÷ share is the active
// time.
//
// Minutes are rounded for each device-day and cause, and only then added: sums of rounded figures
// tell no more than these do, whatever period, order or filter is asked for. A step is about a
// factor of two, like 1, 2, 5, 10, 20, 50; steps meet where sums are right on average.
//
// Pure functions, any thread.
#pragma once

#include <string_view>

namespace candor {

// Said under tables with such minutes.
constexpr std::string_view kRoundedNote =
    "minutes lost by one device, or by devices that a filter picks, are sums of rounded ones";

// The nearest of 0, 0.1, 0.2, 0.5, 1, 2, 5, 10, … for minutes and seconds.
double CoarseAmount(double amount);

// True for causes of time lost that are parts of the time worked or follow what a person does
// (launch, hang, stall, offline, signin, resume), and for any that is not known. Boots, crashes and
// failures of the machine are counted as they are: they tell nothing of working time.
bool TellsWorkingTime(std::string_view cause);

// Minutes lost to `cause` on one device-day as they may be shown of this device.
double ShownMinutes(std::string_view cause, double minutes);

}  // namespace candor
