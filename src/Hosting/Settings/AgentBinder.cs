using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;
using Slipway.Agents;
using Slipway.Agents.Conversations;

namespace Slipway.Hosting.Settings;

internal sealed class AgentBinder(IConfiguration configuration, IServiceProviderIsService services)
    : OptionsBinder<AgentOptions>(configuration, "Agent")
{
    protected override void Read(SettingsSection settings, AgentOptions options)
    {
        options.Name = settings.Text("Name", options.Name);
        options.Description = settings.Text("Description", options.Description);
        options.Instructions = settings.Text("Instructions", options.Instructions);
        options.MaxModelCalls = settings.Number("MaxModelCalls", options.MaxModelCalls);
        options.HistoryMessages = settings.Number("HistoryMessages", options.HistoryMessages);
        options.HistoryTokens = settings.Number("HistoryTokens", options.HistoryTokens);
        settings.Section("Model"); // read by its own binder
    }

    protected override IEnumerable<string> Check(AgentOptions options)
    {
        if (string.IsNullOrWhiteSpace(options.Name))
        {
            yield return $"{Name("Name")} is empty; name the agent, such as 'agent'.";
        }

        (string Key, int Value)[] counts =
        [
            ("MaxModelCalls", options.MaxModelCalls),
            ("HistoryMessages", options.HistoryMessages),
            ("HistoryTokens", options.HistoryTokens),
        ];
        foreach (var (key, value) in counts.Where(count => count.Value < 1))
        {
            yield return $"{Name(key)} is {value}; set 1 or more.";
        }

        if (!services.IsService(typeof(IConversationStore)))
        {
            yield return "There is no database for conversations; call UseSqlite(…), or another store's Use… method, on AddSlipway().";
        }
    }
}
