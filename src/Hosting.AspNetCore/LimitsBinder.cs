using Microsoft.Extensions.Configuration;
using Slipway.Hosting.Settings;

namespace Slipway.Hosting;

internal sealed class LimitsBinder(IConfiguration configuration) : OptionsBinder<LimitsOptions>(configuration, "Limits")
{
    protected override void Read(SettingsSection settings, LimitsOptions options)
    {
        options.MaxRequestBytes = settings.Number("MaxRequestBytes", options.MaxRequestBytes);
        options.MaxDocumentBytes = settings.Number("MaxDocumentBytes", options.MaxDocumentBytes);
        options.MaxMessageLength = settings.Number("MaxMessageLength", options.MaxMessageLength);
    }

    protected override IEnumerable<string> Check(LimitsOptions options)
    {
        (string Key, long Value)[] limits =
        [
            ("MaxRequestBytes", options.MaxRequestBytes),
            ("MaxDocumentBytes", options.MaxDocumentBytes),
            ("MaxMessageLength", options.MaxMessageLength),
        ];
        return limits
            .Where(limit => limit.Value < 1)
            .Select(limit => $"{Name(limit.Key)} is {limit.Value}; set 1 or more.");
    }
}
