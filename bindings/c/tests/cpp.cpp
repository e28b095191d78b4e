// The header in C++: handles that free themselves, exceptions that stay on their side.

#include <memory>
#include <stdexcept>
#include <string>
#include <type_traits>

#include "check.h"

namespace {

struct Free {
    void operator()(vvx_detector *detector) const { vvx_detector_free(detector); }
    void operator()(vvx_report *report) const { vvx_report_free(report); }
};

void check(vvx_status status) {
    if (status != VVX_STATUS_OK) throw std::runtime_error(vvx_last_error());
}

std::unique_ptr<vvx_report, Free> scan(const vvx_detector *detector, const std::string &path) {
    vvx_report *report = nullptr;
    check(vvx_scan_file(detector, path.c_str(), nullptr, &report));
    return std::unique_ptr<vvx_report, Free>(report);
}

} // namespace

int main() {
    static_assert(std::is_standard_layout<vvx_verdict>::value && std::is_trivial<vvx_verdict>::value, "plain data");
    std::unique_ptr<vvx_detector, Free> detector(make_detector());
    auto report = scan(detector.get(), testdata("calls/03-bank-card.alaw.wav"));
    vvx_verdict verdict{};
    verdict.struct_size = sizeof verdict;
    check(vvx_report_verdict(report.get(), 0, &verdict));
    CHECK(verdict.decision == VVX_DECISION_SYNTHETIC);
    bool caught = false;
    try {
        scan(detector.get(), "/nowhere.wav");
    } catch (const std::runtime_error &error) {
        caught = std::string(error.what()).find("does not exist") != std::string::npos;
    }
    CHECK(caught);
    std::puts("cpp: ok");
}
