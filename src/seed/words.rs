//! Titles and notes of large data, made of words that real ones have: some often, most seldom.

const BRANDS: &[&str] = &[
    "小米",
    "华为",
    "苹果",
    "索尼",
    "佳能",
    "尼康",
    "联想",
    "戴尔",
    "罗技",
    "雷蛇",
    "飞利浦",
    "松下",
    "美的",
    "海尔",
    "格力",
    "宜家",
    "无印良品",
    "优衣库",
    "耐克",
    "阿迪达斯",
    "李宁",
    "安踏",
    "斯伯丁",
    "尤尼克斯",
    "迪卡侬",
    "捷安特",
    "美利达",
    "永久",
    "凤凰",
    "雅马哈",
    "卡西欧",
    "星海",
    "任天堂",
    "微软",
    "Kindle",
    "Sony",
    "Canon",
    "Nikon",
    "Lenovo",
    "Dell",
    "ThinkPad",
    "MacBook",
    "iPad",
    "iPhone",
    "Switch",
    "PlayStation",
    "Xbox",
    "Bose",
    "JBL",
    "Anker",
    "Logitech",
    "Razer",
    "Cherry",
    "HHKB",
    "Zojirushi",
    "Philips",
    "IKEA",
    "Uniqlo",
    "Nike",
    "Adidas",
];

const THINGS: &[&str] = &[
    "手机",
    "充电宝",
    "充电器",
    "数据线",
    "耳机",
    "音箱",
    "平板",
    "笔记本电脑",
    "显示器",
    "键盘",
    "鼠标",
    "显卡",
    "内存条",
    "硬盘",
    "路由器",
    "打印机",
    "相机",
    "镜头",
    "三脚架",
    "手表",
    "手环",
    "电视",
    "投影仪",
    "冰箱",
    "洗衣机",
    "微波炉",
    "电饭煲",
    "热水壶",
    "电磁炉",
    "烤箱",
    "咖啡机",
    "榨汁机",
    "吹风机",
    "台灯",
    "落地灯",
    "书桌",
    "椅子",
    "沙发",
    "床垫",
    "书架",
    "衣柜",
    "鞋柜",
    "地毯",
    "窗帘",
    "镜子",
    "高等数学",
    "线性代数",
    "大学英语",
    "四级真题",
    "考研政治",
    "数据结构",
    "操作系统",
    "小说",
    "漫画",
    "字典",
    "自行车",
    "山地车",
    "折叠车",
    "滑板",
    "电动车",
    "头盔",
    "车锁",
    "篮球",
    "足球",
    "羽毛球拍",
    "乒乓球拍",
    "网球拍",
    "瑜伽垫",
    "哑铃",
    "跳绳",
    "泳镜",
    "帐篷",
    "睡袋",
    "登山包",
    "跑鞋",
    "篮球鞋",
    "皮鞋",
    "羽绒服",
    "大衣",
    "卫衣",
    "牛仔裤",
    "连衣裙",
    "围巾",
    "帽子",
    "背包",
    "行李箱",
    "雨伞",
    "吉他",
    "电子琴",
    "尤克里里",
    "口琴",
    "小提琴",
    "游戏机",
    "手柄",
    "游戏卡带",
    "桌游",
    "积木",
    "拼图",
    "玩偶",
    "花瓶",
    "绿植",
    "鱼缸",
    "猫砂盆",
    "wireless mouse",
    "desk lamp",
    "office chair",
    "rice cooker",
    "textbook",
    "guitar",
    "bicycle",
    "backpack",
];

const STATES: &[&str] = &[
    "九成新",
    "全新",
    "八成新",
    "几乎没用",
    "自用",
    "闲置",
    "毕业出",
    "搬家出",
    "女生自用",
    "带发票",
    "包邮",
    "可小刀",
];

const ENDS: &[&str] = &[
    "功能完好，没有维修过",
    "有轻微使用痕迹，介意勿拍",
    "买来用了几次就放着了",
    "原装盒子和配件都在",
    "南门自提，也可以送到宿舍楼下",
    "价格可以商量，爽快的来",
    "换新了所以出",
    "支持当面验货",
    "works fine, pick up on campus",
    "尺寸不合适，没怎么穿",
];

const SURNAMES: &[&str] = &[
    "王", "李", "张", "刘", "陈", "杨", "赵", "黄", "周", "吴", "徐", "孙", "胡", "朱", "高", "林", "何", "郭", "马",
    "罗",
];

const GIVEN: &[&str] = &[
    "伟", "芳", "娜", "敏", "静", "丽", "强", "磊", "军", "洋", "勇", "艳", "杰", "娟", "涛", "明", "超", "秀英", "霞",
    "平", "刚", "桂英", "小雨", "子轩", "梓涵", "浩然", "欣怡", "宇航", "诗涵", "佳怡",
];

/// The name of the person of this number.
pub fn name_of(n: i64) -> String {
    let mut words = RandomWords::new(n ^ 0x5eed);
    format!("{}{}", words.any(SURNAMES), words.any(GIVEN))
}

const GATHERINGS: &[&str] = &["爱好者", "交流", "二手", "互助", "新手", "周末", "校园", "同城", "fans of "];

/// Name and introduction of the group of this number.
pub fn group_text(n: i64) -> (String, String) {
    let mut words = RandomWords::new(n ^ 0x9_0409);
    let name = format!("{}{}群 {n}", words.any(GATHERINGS), words.often(THINGS));
    (name, format!("聊{}和{}，{}。", words.often(THINGS), words.often(BRANDS), words.any(ENDS)))
}

/// What an item says.
pub struct RandomText {
    /// In a line.
    pub title: String,
    /// More about it.
    pub note: String,
    /// A number to make the rest of it from.
    pub noise: i64,
}

/// Words by chance, the same for the same number.
pub struct RandomWords(u64);

impl RandomWords {
    /// Those of this number.
    pub fn new(n: i64) -> Self {
        Self(n.unsigned_abs().wrapping_mul(0x9e37_79b9_7f4a_7c15).wrapping_add(0x1234_5678))
    }

    /// The next number by chance (splitmix64).
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    fn below(&mut self, most: usize) -> usize {
        let most = u64::try_from(most.max(1)).unwrap_or(1);
        usize::try_from(self.next() % most).unwrap_or(0)
    }

    /// Any of these, all as often.
    fn any(&mut self, words: &'static [&'static str]) -> &'static str {
        let n = self.below(words.len());
        words.get(n).copied().unwrap_or_default()
    }

    /// One of these, the first of them the most often.
    fn often(&mut self, words: &'static [&'static str]) -> &'static str {
        let n = self.below(words.len()) * self.below(words.len()) / words.len().max(1);
        words.get(n).copied().unwrap_or_default()
    }

    /// A title and a note.
    pub fn text(mut self) -> RandomText {
        let (state, brand, thing) = (self.any(STATES), self.often(BRANDS), self.often(THINGS));
        let model = self.below(900) + 100;
        let title =
            format!("{state} {brand}{thing} {}-{model}", (b'A' + u8::try_from(self.below(26)).unwrap_or(0)) as char);
        let note = format!("{}，{}。", self.any(ENDS), self.any(ENDS));
        let noise = i64::try_from(self.next() >> 2).unwrap_or(0);
        RandomText { title, note, noise }
    }
}
