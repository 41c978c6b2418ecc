"""The wording of what stands on news pages without being news, as patterns of folded text (`fold_line`).

A line that holds none of `signs` is never compared with them: a new phrase needs a sign too.
"""

# Whole lines (verbose). A run of marks has an end of its own, so that it is not walked twice, and not the next line's.
BUTTONS = r"""
    partage[rz]?(?:\ (?:sur\ .{1,30}|l'article|cet\ article|ce\ direct|ce\ contenu))? | (?:re)?tweete[rz] | share(?:\ .{1,20})?
    | facebook | twitter | x | whatsapp | linkedin | instagram | messenger | telegram | bluesky | threads | e-?mail | sms
    | copier(?:\ le\ lien)? | imprimer | enregistrer | sauvegarder | commenter | reagir | suivre | offrir(?:\ .{1,20})?
    | ecouter(?:\ (?:l'|cet\ )article)? | image | photos? | videos? | logo | diaporama | infographie | audio | podcast
    | [\d\ ./]++ | (?:tweet|post|embed|video)\ url | url | iframe | loading[^\w\n]*+ | chargement[^\w\n]*+
    | (?:\d+\ )?(?:commentaires?|comments?)(?:\ ?\(?\d+\)?)? | \d+\ reactions?
    | aucun\ commentaire.{0,40} | no\ comments?\ yet[^\w\n]*+
    | soyez\ le\ premier.{0,60} | laisse[rz]\ un\ commentaire | leave\ a\ comment | ajouter\ un\ commentaire
    | publicite | annonces? | advertisement | sponsorise | contenus?\ sponsorises? | la\ suite\ apres\ (?:la|cette)\ publicite
    | (?:nos\ )?(?:articles?|contenus|sujets|actualites)\ (?:connexes?|similaires?|lies|associes|recommandes?|suggeres)
    | related\ (?:articles?|posts?|news|stories) | read\ more | more\ stories
    | (?:[aà]\ )?(?:lire|voir|decouvrir|suivre)\ (?:aussi|egalement|ensuite)(?:\ (?:sur|dans)\ .{1,40})?
    | (?:sur|dans)\ (?:le|la)\ meme\ (?:sujet|theme|rubrique) | les?\ plus\ (?:lus?|recents?|commentes?|partages?)
    | vous\ (?:aimerez|aimeriez|pourriez\ aimer).{0,30} | (?:recommande|selectionne)s?\ pour\ vous | nos\ derniers\ articles
    | (?:s'|je\ m')(?:abonner?|inscri(?:re|s))(?:\ .{1,50})? | (?:abonnez|inscrivez|connectez|identifiez)-vous.{0,80}
    | se\ connecter | connexion | menu | accueil | rechercher? | mon\ compte | mon\ espace | aller\ au\ contenu.{0,30} | fermer
    | (?:cet?\ |contenu\ |article\ )*(?:est\ )?reserve\ (?:aux|a\ nos)\ abonnes.{0,60} | votre\ (?:adresse\ )?(?:e-?)?mail
    | temps\ de\ lecture.{0,20} | lecture\ :?\ ?\d+\ ?min.{0,10} | \d+\ ?min(?:utes?)?\ de\ lecture
    | telechargez?r?\ .{0,30}appli(?:cation)?s?.{0,20} | (?:download|get)\ (?:the|our)\ app.{0,20} | disponible\ sur\ .{0,40}
    | app[\ -]?store.{0,20} | google\ play | play[\ -]?store | get\ started\ now.{0,40}
    | mentions\ legales | (?:gestion|parametres?)\ des\ cookies
    | (?:politique|charte)\ de\ confidentialite | conditions\ generales.{0,40} | plan\ du\ site | nous\ contacter | contacts?
    | (?:nouvelle\(s\)|nouvelles?|nouveaux?)\ (?:publications?(?:\(s\))?|messages?|posts?)
    | (?:afficher|charger|voir)\ (?:plus|la\ suite|les\ (?:publications|messages|posts|commentaires)).{0,40}
    | activer\ les\ (?:notifications|alertes) | qui\ anime\ ce\ direct[^\w\n]*+ | fin\ d(?:u|e\ ce)\ direct\W.{1,60}
    | retour\ (?:en\ haut|a\ l'accueil)
"""
# Whole lines too, told by what stands inside them (verbose).
NOTICES = r"""
    .{0,60}(?:tous\ droits\ reserves|all\ rights\ reserved).{0,30}
    | .{0,40}\bdirect\ (?:en\ cours|termine|demarre|commence).{0,60}
"""
AGENCIES = (
    r"(?:afp|reuters|ap photo|ap|epa|sipa|maxppp|getty(?: images)?|abaca(?:press)?"
    r"|hans lucas|ip3|belga|keystone|tass|xinhua|yonhap|kcna)"
)
# Whole lines over the headlines of other articles.
ANNOUNCES = (
    r"(?:(?:a )?(?:lire|voir|ecouter|decouvrir) (?:aussi|egalement|ensuite)"
    r"|(?:sur|dans) (?:le|la) meme (?:sujet|theme|rubrique)"
    r"|(?:nos |les |autres )?(?:articles|actualites|contenus) (?:similaires|lies|associes|recommandes)|vous aimerez aussi) ?:?"
)
